@uit @ppmid
Feature: PPMID firmware updates over ZigBee OTA
  Mirrors the UIT element 'PPMID Firmware Updates using Zigbee OTA Delivery' of FIA 6.2.4, on meter sets with hubs of all
  three makers, single and dual band: the update is tracked, the firmware is on the Device, the Device Alerts come, SRV 8.2
  returns the firmware, and SRV 11.2 the version. FIA 6.2.4 has the hub answer SRV 11.2; here it is the PPMID (I-21).

  Background:
    Given a dual Supplier premises whose PPMID runs firmware version 00000010

  @subject-ppmid @SR-09 @DSP-19 @PPMID-07 @SMI-01 @ALERT-N39
  Scenario Outline: The PPMID of a meter set with the hub "<hub>"
    Given the hub is of the kind "<hub>"
    And the manufacturer has released PPMID firmware version 00000020 of 4 KB
    When the <sender> checks the image against the CPL and sends SRV 11.4 for the PPMID
    Then the hub sends the Alert 0x8F8A with transfer response code 0, signed, for the PPMID and version 00000020
    And the PPMID sends the Alert 0x8F8B, signed, to the Access Control Broker with version 00000020 and outcome success
    And the <sender> gets N39 for the PPMID with version 00000020
    And within 15 minutes the 'Firmware Update Status' screen shows the <sender> that the PPMID is FIRMWARE_ACTIVATED, by the <sender>'s request for version 00000020
    When the <sender> reads the PPMID's inventory by SRV 8.2
    Then the inventory shows firmware version 00000020
    When the <sender> reads the PPMID's firmware version by SRV 11.2
    Then the PPMID answers CS08 with version 00000020, under a MAC that verifies
    And the <sender> gets the Device's response with version 00000020

    Examples:
      | hub                  | sender          |
      | North, single band   | Gas Supplier    |
      | North, dual band     | Import Supplier |
      | South, single band   | Gas Supplier    |
      | South, dual band     | Import Supplier |
      | Central, single band | Gas Supplier    |
      | Central, dual band   | Import Supplier |
