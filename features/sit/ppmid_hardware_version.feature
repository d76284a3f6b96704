@sit @ppmid
Feature: The hub offers an image only to the hardware that it is for
  The OTA Header names a minimum and a maximum hardware version. A PPMID whose Query Next Image Request gives one below
  or above them is offered nothing. To give one is optional. Mirrors the negative SIT script of FIA 6.2.1 'N62: Firmware
  image rejected at Comms Hub' for the PPMID; for the other Devices that is in han_failures.

  Background:
    Given a dual Supplier premises whose PPMID runs firmware version 00000010

  @subject-ch @CH-04 @CH-15 @CH-16 @ALERT-N62-HW
  Scenario Outline: The hardware version is <out of range>
    Given the manufacturer has released PPMID firmware version 00000020 of 16 KB
    And the PPMID's real hardware version is <out of range> of the image
    And the PPMID sends its hardware version
    When the Import Supplier checks the image against the CPL and sends SRV 11.4 for the PPMID
    Then the PPMID sends a Query Next Image Request with its hardware version
    And the hub answers that no image is available
    And the hub sends the Alert 0x8F89 with transfer response code 2, signed, for the PPMID and version 00000020
    And the Import Supplier gets N62 for the PPMID with Device Alert 0x8F89, transfer response code 2 and version 00000020
    And after an hour of quiet the Suppliers have got exactly these DCC Alerts:
      | Supplier        | DCC Alerts |
      | Import Supplier | N61, N62   |
      | Gas Supplier    | N59        |
    And within 25 hours the PPMID asks again with firmware version 00000010
    And the hub answers that no image is available
    And the hub has sent the PPMID no block of the image
    And the hub has sent exactly 1 transfer Alert
    When the Import Supplier checks the image against the CPL and sends SRV 11.4 for the PPMID
    Then the Import Supplier gets one Service Response that lists no failed Device

    Examples:
      | out of range      |
      | above the maximum |
      | below the minimum |

  @subject-ch @subject-ppmid @CH-04 @PPMID-01
  Scenario Outline: The hardware version is <in range>, which is in range
    Given the manufacturer has released PPMID firmware version 00000020 of 16 KB
    And the PPMID's real hardware version is <in range> of the image
    And the PPMID sends its hardware version
    When the Import Supplier checks the image against the CPL and sends SRV 11.4 for the PPMID
    Then the PPMID sends a Query Next Image Request with its hardware version
    And the hub offers firmware version 00000020 to the PPMID
    And the Import Supplier gets N39 for the PPMID with version 00000020

    Examples:
      | in range    |
      | the minimum |
      | the maximum |

  @subject-ch @subject-ppmid @CH-04 @CH-05 @PPMID-01
  Scenario: A PPMID that sends no hardware version is offered the image
    Given the manufacturer has released PPMID firmware version 00000020 of 16 KB
    And the PPMID sends no hardware version
    When the Import Supplier checks the image against the CPL and sends SRV 11.4 for the PPMID
    Then the PPMID sends a Query Next Image Request without a hardware version
    And the hub offers firmware version 00000020 to the PPMID
    And the Import Supplier gets N39 for the PPMID with version 00000020

  @subject-ch @CH-04 @CH-09
  Scenario: A PPMID out of range that sends no hardware version is offered the image and refuses it itself
    Given the manufacturer has released PPMID firmware version 00000020 of 16 KB
    And the PPMID's real hardware version is above the maximum of the image
    And the PPMID sends no hardware version
    When the Import Supplier checks the image against the CPL and sends SRV 11.4 for the PPMID
    Then the PPMID sends a Query Next Image Request without a hardware version
    And the hub offers firmware version 00000020 to the PPMID
    And the PPMID sends an Upgrade End Request that refuses the image
    When 60 minutes go by
    Then the hub has not told the PPMID to activate
