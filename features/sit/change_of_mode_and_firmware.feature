@sit
Feature: Business scenario 'Change of Mode and Firmware'
  Mirrors the firmware half of the business scenario that FIA 6.2.1 has updated with additional Alerts and a scenario for
  PPMIDs: the meter gets the firmware that the new mode needs, and the PPMID that goes with it follows. The FIA says no
  more of the business scenario. Its other half, the change of the payment mode, is not here: that is SRV 1.6 'Update
  Payment Mode', a Critical Service Request like SRV 11.3, by GBCS use cases ECS02 and ECS03 for an ESME, GCS02 and GCS03
  for a GSME. The Reference Test Data Set has its messages, of which the rig has neither the DUIS requests nor the
  Commands (DLMS for an ESME, ZSE for a GSME), and its meters have no payment mode that could be read back.

  Background:
    Given a dual Supplier premises whose PPMID runs firmware version 00000010
    And the premises has the ESME
    And the premises has the GSME

  @esme @gsme @ppmid @METER-01 @DSP-16 @SMI-01 @DSP-24
  Scenario Outline: The <Device> is updated and activated, and the PPMID after it
    Given the manufacturer has released <Device> firmware version 00000300 of 4 KB
    When the <sender> reads the <Device>'s firmware version by SRV 11.2
    Then the <sender> gets the Device's response with version 00000200
    When the <sender> checks the image against the CPL and sends SRV 11.1 for the <Device>
    Then the <other> gets N59 with the Hash of the Manufacturer Image and the <Device>
    And the <sender> gets N61 for the <Device>
    And the <sender> gets N62 for the <Device> with Device Alert 0x8F8A, transfer response code 0 and version 00000300
    And after an hour of quiet the Suppliers have got exactly these DCC Alerts:
      | Supplier | DCC Alerts |
      | <sender> | N61, N62   |
      | <other>  | N59        |
    When the <sender> activates the image on the <Device> by SRV 11.3
    Then the <sender> is told success and version 00000300 on SRV 11.3
    When the <sender> reads the <Device>'s inventory by SRV 8.2
    Then the inventory shows firmware version 00000300
    Given the manufacturer has released PPMID firmware version 00000020 of 4 KB
    When the <sender> checks the image against the CPL and sends SRV 11.4 for the PPMID
    Then the <other> gets N59 with the Hash of the Manufacturer Image and the PPMID
    And the <sender> gets N61 for the PPMID
    And the <sender> gets N39 for the PPMID with version 00000020
    And after an hour of quiet the Suppliers have got exactly these DCC Alerts:
      | Supplier | DCC Alerts    |
      | <sender> | N61, N62, N39 |
      | <other>  | N59, N39      |
    When the <other> reads the PPMID's inventory by SRV 8.2
    Then the inventory shows firmware version 00000020

    Examples:
      | Device | sender          | other           |
      | ESME   | Import Supplier | Gas Supplier    |
      | GSME   | Gas Supplier    | Import Supplier |
