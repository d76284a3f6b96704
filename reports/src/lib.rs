//! The run log and its renderings: HTML, JUnit, Cucumber JSON.
