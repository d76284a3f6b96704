@sit @ppmid
Feature: A Supplier updates a PPMID over the air
  Mirrors the SIT scripts of the DCC's Full Impact Assessment (6.2.1) for the successful update of a PPMID in a premises
  with two Suppliers: SRV 11.4, each Alert on the way back, activation, and the SMI afterwards.

  Background:
    Given a dual Supplier premises whose PPMID runs firmware version 00000010

  @subject-ch @subject-ppmid
  @SUP-01 @SUP-02 @SUP-03 @SUP-04 @SR-01 @SR-04 @SR-06 @SR-09
  @DSP-02 @DSP-11 @DSP-13 @DSP-15 @DSP-22 @DSP-23 @DSP-24
  @ALERT-N59 @ALERT-N61 @ALERT-N62-SUCCESS @ALERT-N39
  @CSP-01 @CSP-03 @CSP-05 @CH-01 @CH-02 @CH-03 @CH-06 @CH-07 @CH-15 @CH-16
  @PPMID-01 @PPMID-03 @PPMID-05 @PPMID-06 @PPMID-07 @SMI-01
  Scenario Outline: The <sender> updates the PPMID
    Given the manufacturer has released PPMID firmware version 00000020 of 64 KB
    When the <sender> checks the image against the CPL and sends SRV 11.4 for the PPMID
    Then the <sender> gets one Service Response that lists no failed Device
    And the DSP sends the CSP one distribution request for the PPMID, of Device type PPMID
    And the CSP reports that it rejects no Device
    And the <other> gets N59 with the Hash of the Manufacturer Image and the PPMID
    And the CSP delivers the image to the hub, octet for octet
    And the <sender> gets N61 for the PPMID
    And the hub sends the PPMID an Image Notify
    And the PPMID sends a Query Next Image Request with its manufacturer code, image type and firmware version 00000010
    And that was because of the hub's first Image Notify
    And the hub offers firmware version 00000020 to the PPMID
    And the PPMID fetches the image from the hub, octet for octet
    And the PPMID sends an Upgrade End Request with status SUCCESS
    And the hub sends the Alert 0x8F8A with transfer response code 0, signed, for the PPMID and version 00000020
    And the <sender> gets N62 for the PPMID with Device Alert 0x8F8A, transfer response code 0 and version 00000020
    And the hub's Upgrade End Response tells the PPMID to activate now
    And the PPMID sends the Alert 0x8F8B, signed, to the Access Control Broker with version 00000020 and outcome success
    And the <sender> gets N39 for the PPMID with version 00000020
    And the <other> gets N39 for the PPMID with version 00000020
    And after an hour of quiet the Suppliers have got exactly these DCC Alerts:
      | Supplier | DCC Alerts    |
      | <sender> | N61, N62, N39 |
      | <other>  | N59, N39      |
    And the hub has sent exactly 1 transfer Alert
    When the <sender> reads the PPMID's inventory by SRV 8.2
    Then the inventory shows firmware version 00000020
    When the <sender> reads the PPMID's firmware version by SRV 11.2
    Then the command CS08 goes from the Access Control Broker to the PPMID in the name of the <sender>
    And the PPMID answers CS08 with version 00000020, under a MAC that verifies
    And the <sender> gets the Device's response with version 00000020

    Examples:
      | sender          | other           |
      | Import Supplier | Gas Supplier    |
      | Gas Supplier    | Import Supplier |

  @subject-ch @subject-ppmid @CH-03 @CH-06 @PPMID-13 @DSP-16
  Scenario: Once the PPMID has its image the hub's block is empty
    Given the manufacturer has released PPMID firmware version 00000020 of 16 KB
    When the Import Supplier checks the image against the CPL and sends SRV 11.4 for the PPMID
    Then the Import Supplier gets N39 for the PPMID with version 00000020
    When the PPMID is set back to firmware version 00000010 by a local update
    Then within 25 hours the PPMID asks again with firmware version 00000010
    And the hub answers that no image is available
    When the Import Supplier reads the PPMID's inventory by SRV 8.2
    Then the inventory shows firmware version 00000020
    When the Import Supplier reads the PPMID's firmware version by SRV 11.2
    Then the Import Supplier gets the Device's response with version 00000010
    When the Import Supplier reads the PPMID's inventory by SRV 8.2
    Then the inventory shows firmware version 00000010

  @DSP-22 @DSP-23 @ALERT-N39 @SMI-01
  Scenario: The Alerts of each update go to the Supplier who asked for it
    Given the setting "csp.notification_batch" is as usual
    And the manufacturer has released PPMID firmware version 00000020 of 16 KB
    When the Import Supplier checks the image against the CPL and sends SRV 11.4 for the PPMID
    Then the Gas Supplier gets N39 for the PPMID with version 00000020
    Given the manufacturer has released PPMID firmware version 00000030 of 16 KB
    When the Gas Supplier checks the image against the CPL and sends SRV 11.4 for the PPMID
    Then the Gas Supplier gets one Service Response that lists no failed Device
    And the Gas Supplier gets N62 for the PPMID with Device Alert 0x8F8A, transfer response code 0 and version 00000030
    And the Gas Supplier gets N39 for the PPMID with version 00000030
    And after an hour of quiet the Suppliers have got exactly these DCC Alerts:
      | Supplier        | DCC Alerts    |
      | Import Supplier | N59, N39      |
      | Gas Supplier    | N61, N62, N39 |
    When the Import Supplier reads the PPMID's inventory by SRV 8.2
    Then the inventory shows firmware version 00000030

  @subject-ppmid @PPMID-02
  Scenario: The PPMID asks unprompted, and no more than once a day
    When 80 hours pass
    Then the PPMID has asked unprompted at least 3 times and no more than once a day
    When the PPMID is set back to firmware version 00000010 by a local update
    And 50 hours pass
    Then the PPMID has asked unprompted at least 4 times and no more than once a day
