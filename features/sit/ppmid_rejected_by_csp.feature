@sit @ppmid
Feature: The CSP rejects what it cannot deliver
  The CSP validates a distribution request Device by Device. The sender is told of those that it rejects, and the others
  are updated all the same. Mirrors the negative SIT script of FIA 6.2.1 for N19 for the PPMID, stage by stage.

  Background:
    Given a dual Supplier premises whose PPMID runs firmware version 00000010
    And the SMI has a second PPMID on the same hub, which the CSP does not know

  @CSP-01 @DSP-07 @DSP-11 @ALERT-N18-N20 @ALERT-N59
  Scenario: A PPMID that the CSP does not know
    Given the manufacturer has released PPMID firmware version 00000020 of 16 KB
    When the Import Supplier sends SRV 11.4 for these Devices:
      | Device           |
      | the second PPMID |
      | the PPMID        |
    Then the Import Supplier gets one Service Response that lists no failed Device
    And the DSP sends the CSP one distribution request, of Device type PPMID, for these Devices:
      | Device           |
      | the second PPMID |
      | the PPMID        |
    And the CSP reports that it rejects these Devices:
      | Device           | Reason                   |
      | the second PPMID | Device ID not identified |
    And the Import Supplier gets N19 for the second PPMID
    And the Gas Supplier gets N59 with the Hash of the Manufacturer Image and the PPMID
    And the Import Supplier gets N39 for the PPMID with version 00000020
    And after an hour of quiet the Suppliers have got exactly these DCC Alerts:
      | Supplier        | DCC Alerts         |
      | Import Supplier | N19, N61, N62, N39 |
      | Gas Supplier    | N59, N39           |
