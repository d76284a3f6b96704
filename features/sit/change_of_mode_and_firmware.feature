@sit
Feature: Business scenario 'Change of Mode and Firmware'
  Mirrors the business scenario that FIA 6.2.1 has updated with additional Alerts and a scenario for PPMIDs: the meter gets
  the firmware that the new mode needs, and the PPMID that goes with it follows. The FIA says no more of the business
  scenario. The change of the payment mode is SRV 1.6 'Update Payment Mode', a Critical Service Request like SRV 11.3, here
  at once: by GBCS use cases ECS03 and ECS02 for an ESME of one element, and by GCS03 and GCS02 for a GSME. Not here are
  changes for later or cancelled, and what a mode has a meter do: the verdict is on what the meter answers.

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

  @esme @gsme @METER-01
  Scenario Outline: The <meter> changes to prepayment with its new firmware, and back to credit
    Given the manufacturer has released <meter> firmware version 00000300 of 4 KB
    When the <Supplier> checks the image against the CPL and sends SRV 11.1 for the <meter>
    Then the <Supplier> gets N62 for the <meter>
    When the <Supplier> activates the image on the <meter> by SRV 11.3
    Then the <Supplier> is told success and version 00000300 on SRV 11.3
    When 10 minutes go by
    And the <Supplier> changes the <meter> to prepayment with disablement threshold 1500 by SRV 1.6
    Then the <meter> answers <prepayment> with success, signed
    And the <Supplier> is told by the <meter>'s signed response that SRV 1.6 is a success
    When the <Supplier> changes the <meter> to credit by SRV 1.6
    Then the <meter> answers <credit> with success, signed
    And the <Supplier> is told by the <meter>'s signed response that SRV 1.6 is a success

    Examples:
      | meter | Supplier        | prepayment | credit |
      | ESME  | Import Supplier | ECS03      | ECS02  |
      | GSME  | Gas Supplier    | GCS03      | GCS02  |

  @esme @gsme @METER-01
  Scenario Outline: A command to prepayment <flaw> does not succeed on the <meter>
    When the <prepayment> Command <flaw> comes over the WAN for the <meter>
    Then for 2 hours the <meter> does not answer <prepayment> with success
    And the <meter> sends the Alert <Alert> to the <Supplier>, signed
    When the <Supplier> changes the <meter> to prepayment with disablement threshold -200 by SRV 1.6
    Then the <meter> answers <prepayment> with success, signed

    Examples:
      | meter | Supplier        | prepayment | flaw                                               | Alert  |
      | ESME  | Import Supplier | ECS03      | without a signature                                | 0x8F3D |
      | ESME  | Import Supplier | ECS03      | with another Supplier's signature                  | 0x8F3D |
      | ESME  | Import Supplier | ECS03      | with a MAC that is not the Access Control Broker's | 0x8F3D |
      | ESME  | Import Supplier | ECS03      | of another Supplier                                | 0x8F30 |
      | GSME  | Gas Supplier    | GCS03      | without a signature                                | 0x8F3D |
      | GSME  | Gas Supplier    | GCS03      | with another Supplier's signature                  | 0x8F3D |
      | GSME  | Gas Supplier    | GCS03      | with a MAC that is not the Access Control Broker's | 0x8F3D |
      | GSME  | Gas Supplier    | GCS03      | of another Supplier                                | 0x8F30 |
