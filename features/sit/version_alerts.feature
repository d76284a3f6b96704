@sit
Feature: A version that the CPL does not support is told by N49, N50 or N51
  Mirrors the negative SIT scripts of FIA 6.2.1 for N49, N50 and N51, for PPMID and HCALCS on SRV 11.2, spread across the
  hubs of the three makers. Which Alert stands for what is interpretation I-13.

  Background:
    Given a dual Supplier premises whose PPMID runs firmware version 00000010

  @subject-dsp @DSP-18 @DSP-16
  Scenario Outline: <alert>: <what the CPL has>
    Given the hub is of the kind "<hub>"
    And the premises has the <Device>
    And the <Device> runs firmware version 00000150, and the SMI does not know
    And <what the CPL has>
    When the <sender> reads the <Device>'s firmware version by SRV 11.2
    Then the <sender> gets the Device's response with version 00000150
    And the <sender> gets <alert> for the <Device> with version 00000150
    And after an hour of quiet the Suppliers have got exactly these DCC Alerts:
      | Supplier | DCC Alerts |
      | <sender> | <alert>    |
      | <other>  |            |
    When the <sender> reads the <Device>'s inventory by SRV 8.2
    Then the inventory shows firmware version 00000150

    @ppmid
    Examples:
      | alert | Device | sender          | other           | hub                  | what the CPL has                                                      |
      | N49   | PPMID  | Import Supplier | Gas Supplier    | North, single band   | the CPL entry of PPMID firmware version 00000150 has been removed     |
      | N50   | PPMID  | Gas Supplier    | Import Supplier | South, single band   | PPMID firmware version 00000150 is not on the CPL                     |
      | N51   | PPMID  | Import Supplier | Gas Supplier    | Central, single band | PPMID firmware version 00000150 is on the CPL for another model only  |

    @hcalcs
    Examples:
      | alert | Device | sender          | other        | hub                | what the CPL has                                                       |
      | N49   | HCALCS | Import Supplier | Gas Supplier | Central, dual band | the CPL entry of HCALCS firmware version 00000150 has been removed     |
      | N50   | HCALCS | Import Supplier | Gas Supplier | North, dual band   | HCALCS firmware version 00000150 is not on the CPL                     |
      | N51   | HCALCS | Import Supplier | Gas Supplier | South, dual band   | HCALCS firmware version 00000150 is on the CPL for another model only  |
