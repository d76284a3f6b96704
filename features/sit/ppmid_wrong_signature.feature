@sit @ppmid
Feature: A PPMID refuses an image that its manufacturer has not signed
  Mirrors the negative SIT script of FIA 6.2.1 'N62: Failed to deliver firmware image to device' for the PPMID.

  Background:
    Given a dual Supplier premises whose PPMID runs firmware version 00000010

  @subject-ch @subject-ppmid @PPMID-04 @CH-09 @CH-15 @CH-16 @DSP-15 @ALERT-N62-FAILED
  Scenario: The manufacturer's signature in the image is wrong
    Given the manufacturer has released PPMID firmware version 00000020 of 16 KB
    But the manufacturer's signature in the image is wrong
    When the Import Supplier checks the image against the CPL and sends SRV 11.4 for the PPMID
    Then the PPMID fetches the image from the hub, octet for octet
    And the PPMID sends an Upgrade End Request with status INVALID_IMAGE
    And the hub sends the Alert 0x8F89 with transfer response code 3, signed, for the PPMID and version 00000020
    And the Import Supplier gets N62 for the PPMID with Device Alert 0x8F89, transfer response code 3 and version 00000020
    And after an hour of quiet the Suppliers have got exactly these DCC Alerts:
      | Supplier        | DCC Alerts |
      | Import Supplier | N61, N62   |
      | Gas Supplier    | N59        |
    And the hub has sent exactly 1 transfer Alert
    And the hub has not told the PPMID to activate
    When the Import Supplier reads the PPMID's inventory by SRV 8.2
    Then the inventory shows firmware version 00000010
    When the Import Supplier reads the PPMID's firmware version by SRV 11.2
    Then the Import Supplier gets the Device's response with version 00000010
    And within 25 hours the PPMID asks again with firmware version 00000010
    And the hub answers that no image is available
    When the Import Supplier checks the image against the CPL and sends SRV 11.4 for the PPMID
    Then the Import Supplier gets one Service Response that lists no failed Device
