@sit
Feature: Anomaly detection counts SRV 11.4 apart from SRV 11.1
  FIA 4.10: where a threshold is set and passed, requests are quarantined until the DCC Service Desk lets them go on.

  Background:
    Given a dual Supplier premises whose PPMID runs firmware version 00000010
    And the premises has the HCALCS
    And the premises has the ESME

  @subject-dsp @DSP-17 @ppmid
  Scenario: The second SRV 11.4 of a day is quarantined, and goes on when the DCC Service Desk lets it
    Given the Gas Supplier may send 1 SRV 11.4 a day before anomaly detection holds them
    And the manufacturer has released PPMID firmware version 00000020 of 2 KB
    When the Gas Supplier checks the image against the CPL and sends SRV 11.4 for the PPMID
    Then the Gas Supplier gets one Service Response that lists no failed Device
    And the Gas Supplier gets N39 for the PPMID with version 00000020
    When the Gas Supplier checks the image against the CPL and sends SRV 11.4 for the PPMID
    Then the Gas Supplier gets one Service Response that says that the request is quarantined
    And for an hour nothing is sent to the CSP and nobody gets a DCC Alert
    When the DCC Service Desk lets the request go on
    Then the Gas Supplier gets the Service Response of the request that went on, which lists no failed Device
    And the Gas Supplier gets N61 for the PPMID

  @subject-dsp @DSP-17 @ppmid @hcalcs @esme
  Scenario: SRV 11.4 does not count against the threshold of SRV 11.1, which is one for HCALCS and ESME
    Given the Import Supplier may send 1 SRV 11.1 a day before anomaly detection holds them
    And the manufacturer has released PPMID firmware version 00000020 of 2 KB
    When the Import Supplier checks the image against the CPL and sends SRV 11.4 for the PPMID
    Then the Import Supplier gets N39 for the PPMID with version 00000020
    When the Import Supplier checks the image against the CPL and sends SRV 11.4 for the PPMID
    Then the Import Supplier gets one Service Response that lists no failed Device
    Given the manufacturer has released HCALCS firmware version 00000400 of 2 KB
    When the Import Supplier checks the image against the CPL and sends SRV 11.1 for the HCALCS
    Then the Import Supplier gets one Service Response that lists no failed Device
    Given the manufacturer has released ESME firmware version 00000300 of 2 KB
    When the Import Supplier checks the image against the CPL and sends SRV 11.1 for the ESME
    Then the Import Supplier gets one Service Response that says that the request is quarantined
