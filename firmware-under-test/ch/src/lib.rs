//! Reference Communications Hub Function, without I/O.
