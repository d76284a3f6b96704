//! The radio medium: airtime, CSMA, loss and capture.
