//! A ZigBee node from MAC to APS, with OTA server and client, without I/O.
