//! DUIS, DSP, CSP, SMI, CPL and registration data, without I/O.
