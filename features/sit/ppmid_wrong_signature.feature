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
    And the PPMID sends an Upgrade End Request that refuses the image
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

  @subject-ch @subject-ppmid @PPMID-02 @PPMID-03 @PPMID-04 @CH-09
  Scenario Outline: The manufacturer's signature in the image is <whose>, and the image never runs
    Given the manufacturer has released PPMID firmware version 00000020 of 4 KB
    But the manufacturer's signature in the image is <whose>
    When the Import Supplier checks the image against the CPL and sends SRV 11.4 for the PPMID
    Then the PPMID sends an Upgrade End Request that refuses the image
    And the hub sends the Alert 0x8F89 with transfer response code 3, signed, for the PPMID and version 00000020
    When 52 hours pass
    Then the PPMID has asked unprompted at least 2 times and no more than once a day
    When the PPMID is switched off
    And 10 minutes go by
    And the PPMID is switched on again
    And 10 minutes go by
    And the Import Supplier reads the PPMID's firmware version by SRV 11.2
    Then the PPMID answers CS08 with version 00000010, under a MAC that verifies
    And the Import Supplier gets the Device's response with version 00000010

    Examples:
      | whose                  |
      | wrong                  |
      | another's              |
      | that of other firmware |
