//! Reference PPMID, without I/O.
