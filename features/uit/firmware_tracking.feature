@uit
Feature: Firmware tracking of ESME and GSME
  Mirrors the UIT element 'Firmware Tracking' of FIA 6.2.4: the OTA process for ESME and GSME on meter sets with hubs of all
  three makers, single and dual band, to see that each stage of an update is tracked.

  Background:
    Given a dual Supplier premises whose PPMID runs firmware version 00000010

  @METER-01 @DSP-19
  Scenario Outline: The <Device> of a meter set with the hub "<hub>"
    Given the hub is of the kind "<hub>"
    And the premises also has an <Device> that runs firmware version 00000200
    And the manufacturer has released <Device> firmware version 00000400 of 4 KB
    When the <Device> is switched off
    And the <sender> checks the image against the CPL and sends SRV 11.1 for the <Device>
    Then the <sender> gets N61 for the <Device>
    And within 15 minutes the 'Firmware Update Status' screen shows the <sender> that the <Device> is SUCCESSFUL_CH_TRANSFER, by the <sender>'s request for version 00000400
    When the <Device> is switched on again
    Then the <sender> gets N62 for the <Device> with Device Alert 0x8F8A, transfer response code 0 and version 00000400
    And within 15 minutes the 'Firmware Update Status' screen shows the <sender> that the <Device> is SUCCESSFUL_HAN_TRANSFER, by the <sender>'s request for version 00000400
    When the <sender> activates the image on the <Device> by SRV 11.3
    Then the <sender> is told success and version 00000400 on SRV 11.3

    @esme
    Examples:
      | Device | sender          | hub                  |
      | ESME   | Import Supplier | North, single band   |
      | ESME   | Import Supplier | North, dual band     |
      | ESME   | Import Supplier | South, single band   |
      | ESME   | Import Supplier | South, dual band     |
      | ESME   | Import Supplier | Central, single band |
      | ESME   | Import Supplier | Central, dual band   |

    @gsme
    Examples:
      | Device | sender       | hub                  |
      | GSME   | Gas Supplier | North, single band   |
      | GSME   | Gas Supplier | North, dual band     |
      | GSME   | Gas Supplier | South, single band   |
      | GSME   | Gas Supplier | South, dual band     |
      | GSME   | Gas Supplier | Central, single band |
      | GSME   | Gas Supplier | Central, dual band   |
