@sit
Feature: A CSP that is busy or not available gets the request again, for four days
  Mirrors the negative SIT script of FIA 6.2.1 for N22, with the long retry of FIA 3.2.5 (Control 2) around it, and the two
  ways in which CSPs guard their capacity: admission control in South and Central, firmware jobs in North.

  Background:
    Given a dual Supplier premises whose PPMID runs firmware version 00000010

  @subject-dsp @DSP-10 @DSP-12 @ALERT-N22 @CSP-02
  Scenario Outline: N22: the CSP is busy for four days, with an image for the <Device>
    Given the setting "long_retry" is as usual
    And the setting "delivery_period" is as usual
    And the hub is of the kind "<hub>"
    And the premises has the <Device>
    And the manufacturer has released <Device> firmware version 00000400 of 2 KB
    When the CSP can take no further update
    And the <sender> checks the image against the CPL and sends <SRV> for the <Device>
    Then the <sender> gets one Service Response that lists no failed Device
    And the CSP answers that it is busy, because <why>
    And for 30 minutes the CSP does nothing about it
    And the DSP asks the CSP again at once, and then every hour for 4 days
    And the <sender> gets N22 for the <Device>
    And after an hour of quiet the Suppliers have got exactly these DCC Alerts:
      | Supplier | DCC Alerts |
      | <sender> | N22        |
      | <other>  |            |
    And within 15 minutes the 'Firmware Update Status' screen shows the <sender> that the <Device> is REJECTED_BY_CSP, by the <sender>'s request for version 00000400
    When the CSP can take updates again
    And the <sender> checks the image against the CPL and sends <SRV> for the <Device>
    Then the <sender> gets one Service Response that lists no failed Device
    And the <sender> gets N62 for the <Device>

    Examples:
      | Device | SRV      | sender          | other           | hub                  | why                           |
      | PPMID  | SRV 11.4 | Import Supplier | Gas Supplier    | North, single band   | it has no firmware job left   |
      | PPMID  | SRV 11.4 | Gas Supplier    | Import Supplier | South, dual band     | its admission control is full |
      | PPMID  | SRV 11.4 | Import Supplier | Gas Supplier    | Central, single band | its admission control is full |
      | HCALCS | SRV 11.1 | Import Supplier | Gas Supplier    | North, dual band     | it has no firmware job left   |
      | HCALCS | SRV 11.1 | Import Supplier | Gas Supplier    | South, single band   | its admission control is full |
      | HCALCS | SRV 11.1 | Import Supplier | Gas Supplier    | Central, dual band   | its admission control is full |
      | ESME   | SRV 11.1 | Import Supplier | Gas Supplier    | South, single band   | its admission control is full |
      | GSME   | SRV 11.1 | Gas Supplier    | Import Supplier | North, single band   | it has no firmware job left   |

  @subject-dsp @DSP-12 @ALERT-N22 @ppmid
  Scenario: N22: the CSP is not available for four days
    Given the setting "long_retry" is as usual
    And the setting "delivery_period" is as usual
    And the manufacturer has released PPMID firmware version 00000020 of 2 KB
    When the SM WAN Gateway between DSP and CSP is down
    And the Import Supplier checks the image against the CPL and sends SRV 11.4 for the PPMID
    Then the DSP asks the CSP again at once, and then every hour for 4 days
    And the Import Supplier gets N22 for the PPMID
    And after an hour of quiet the Suppliers have got exactly these DCC Alerts:
      | Supplier        | DCC Alerts |
      | Import Supplier | N22        |
      | Gas Supplier    |            |

  @subject-dsp @subject-csp @DSP-12 @CSP-02 @ppmid
  Scenario Outline: The CSP is <how> for some hours
    Given the setting "long_retry" is as usual
    And the manufacturer has released PPMID firmware version 00000020 of 2 KB
    When <it goes>
    And the Gas Supplier checks the image against the CPL and sends SRV 11.4 for the PPMID
    Then the DSP asks the CSP again at once, and then every hour for 3 hours
    When <it comes back>
    Then within an hour the CSP takes the request
    And the Gas Supplier gets N61 for the PPMID
    And after an hour of quiet the Suppliers have got exactly these DCC Alerts:
      | Supplier        | DCC Alerts    |
      | Import Supplier | N59, N39      |
      | Gas Supplier    | N61, N62, N39 |

    Examples:
      | how           | it goes                                       | it comes back                                     |
      | busy          | the CSP can take no further update            | the CSP can take updates again                    |
      | not available | the SM WAN Gateway between DSP and CSP is down | the SM WAN Gateway between DSP and CSP is up again |

  @subject-csp @CSP-02
  Scenario Outline: The CSP of the hub "<hub>" takes what it had no room for once it has
    Given the hub is of the kind "<hub>"
    And the CSP has room for 1 Device at a time
    And these Devices are on the HAN, and there is new firmware for them:
      | Device    | Version  | KB | Supplier        |
      | the ESME  | 00000300 | 2  | Import Supplier |
      | the PPMID | 00000020 | 2  | Gas Supplier    |
    When the WAN link is cut
    And the image for the ESME is sent
    And the image for the PPMID is sent
    Then the CSP answers that it is busy, because <why>
    And for 30 minutes the CSP does nothing about it
    When the WAN link is back
    Then within an hour the CSP takes the request
    And the Gas Supplier gets N61 for the PPMID
    And the Gas Supplier gets N62 for the PPMID

    Examples:
      | hub                  | why                           |
      | North, single band   | it has no firmware job left   |
      | South, single band   | its admission control is full |
      | Central, single band | its admission control is full |
