@pit
Feature: UC13.01 GBCS commands, responses and alerts
  Mirrors use case UC13.01 of FIA 6.1.1 (table 7), uplifted: Commands and Responses of all types of Device, and the Alerts
  0x8F89, 0x8F8A and 0x8F8B, go through CSP and hub as they are.

  Background:
    Given a dual Supplier premises whose PPMID runs firmware version 00000010

  @subject-ch @subject-csp @CSP-05
  Scenario Outline: Read Firmware Version of the <Device>, through the hub "<hub>"
    Given the hub is of the kind "<hub>"
    And the premises has the <Device>
    When the <sender> reads the <Device>'s firmware version by SRV 11.2
    Then the <sender> gets the Device's response with version <version>

    @ppmid
    Examples: a PPMID
      | Device | sender          | version  | hub                  |
      | PPMID  | Gas Supplier    | 00000010 | North, single band   |

    Examples: other Devices
      | Device | sender          | version  | hub                  |
      | HCALCS | Import Supplier | 00000100 | South, single band   |
      | ESME   | Import Supplier | 00000200 | Central, single band |
      | GSME   | Gas Supplier    | 00000200 | North, dual band     |

  @subject-ch @subject-csp @CSP-05 @CH-16 @ALERT-N62-SUCCESS @ppmid
  Scenario Outline: The Alerts of an update, through the hub "<hub>"
    Given the hub is of the kind "<hub>"
    And the manufacturer has released PPMID firmware version 00000020 of 2 KB
    When the Gas Supplier checks the image against the CPL and sends SRV 11.4 for the PPMID
    Then the hub sends the Alert 0x8F8A with transfer response code 0, signed, for the PPMID and version 00000020
    And the Gas Supplier gets N62 for the PPMID with Device Alert 0x8F8A, transfer response code 0 and version 00000020
    And the PPMID sends the Alert 0x8F8B, signed, to the Access Control Broker with version 00000020 and outcome success
    And the Gas Supplier gets N39 for the PPMID with version 00000020

    Examples:
      | hub                  |
      | North, dual band     |
      | South, dual band     |
      | Central, single band |

  @subject-ch @subject-csp @CSP-05 @CH-16 @ALERT-N62-FAILED @ppmid
  Scenario: The Alert 0x8F89, through the hub
    Given the manufacturer has released PPMID firmware version 00000020 of 2 KB
    But the manufacturer's signature in the image is wrong
    When the Gas Supplier checks the image against the CPL and sends SRV 11.4 for the PPMID
    Then the hub sends the Alert 0x8F89 with transfer response code 3, signed, for the PPMID and version 00000020
    And the Gas Supplier gets N62 for the PPMID with Device Alert 0x8F89, transfer response code 3 and version 00000020
