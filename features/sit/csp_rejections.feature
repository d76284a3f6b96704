@sit
Feature: What a CSP rejects is told by N18, N19 or N20
  Mirrors the negative SIT scripts of FIA 6.2.1 for the DCC Alerts N18, N19 and N20, for HCALCS and PPMID as for ESME and
  GSME. Which Alert stands for which reason is interpretation I-13. N22 is in csp_busy.

  Background:
    Given a dual Supplier premises whose PPMID runs firmware version 00000010

  @subject-dsp @CSP-01 @DSP-10 @ALERT-N18-N20
  Scenario Outline: N18: the image for the <Device> has changed on its way to the CSP
    Given the hub is of the kind "<hub>"
    And the premises has the <Device>
    And the manufacturer has released <Device> firmware version 00000400 of 2 KB
    When an octet of the next image changes between DSP and CSP
    And the <sender> checks the image against the CPL and sends <SRV> for the <Device>
    Then the <sender> gets one Service Response that lists no failed Device
    And the CSP reports that it rejects these Devices:
      | Device       | Reason                          |
      | the <Device> | image fails its integrity check |
    And the <sender> gets N18 for the <Device>
    And after an hour of quiet the Suppliers have got exactly these DCC Alerts:
      | Supplier | DCC Alerts |
      | <sender> | N18        |
      | <other>  |            |
    And within 15 minutes the 'Firmware Update Status' screen shows the <sender> that the <Device> is REJECTED_BY_CSP, by the <sender>'s request for version 00000400

    Examples:
      | Device | SRV      | sender          | other           | hub                  |
      | PPMID  | SRV 11.4 | Import Supplier | Gas Supplier    | North, single band   |
      | PPMID  | SRV 11.4 | Gas Supplier    | Import Supplier | South, dual band     |
      | PPMID  | SRV 11.4 | Import Supplier | Gas Supplier    | Central, single band |
      | HCALCS | SRV 11.1 | Import Supplier | Gas Supplier    | North, dual band     |
      | HCALCS | SRV 11.1 | Import Supplier | Gas Supplier    | South, single band   |
      | HCALCS | SRV 11.1 | Import Supplier | Gas Supplier    | Central, dual band   |
      | ESME   | SRV 11.1 | Import Supplier | Gas Supplier    | North, single band   |
      | GSME   | SRV 11.1 | Gas Supplier    | Import Supplier | South, dual band     |

  @subject-dsp @CSP-01 @DSP-07 @DSP-14 @ALERT-N18-N20
  Scenario Outline: N19: the CSP does not know two of three <Device>s
    Given the hub is of the kind "<hub>"
    And the premises has the <Device>
    And the SMI has a second <Device> on the same hub, which the CSP does not know
    And the SMI has a third <Device> on the same hub, which the CSP does not know
    And the manufacturer has released <Device> firmware version 00000400 of 2 KB
    When the <sender> sends <SRV> for these Devices:
      | Device              |
      | the second <Device> |
      | the <Device>        |
      | the third <Device>  |
    Then the <sender> gets one Service Response that lists no failed Device
    And the CSP reports that it rejects these Devices:
      | Device              | Reason                   |
      | the second <Device> | Device ID not identified |
      | the third <Device>  | Device ID not identified |
    And the <sender> gets N19 for these Devices:
      | Device              |
      | the second <Device> |
      | the third <Device>  |
    And the Service Audit Trail has one entry for each of these Devices that the CSP has rejected:
      | Device              | DCC Alert |
      | the second <Device> | N19       |
      | the third <Device>  | N19       |
    And the <other> gets N59 with the Hash of the Manufacturer Image and the <Device>
    And the <sender> gets N62 for the <Device>
    And after an hour of quiet the Suppliers have got exactly these DCC Alerts:
      | Supplier | DCC Alerts        |
      | <sender> | N19, N61, N62<39> |
      | <other>  | N59<39>           |

    @ppmid
    Examples: a PPMID
      | Device | SRV      | sender          | other           | 39    | hub                  |
      | PPMID  | SRV 11.4 | Import Supplier | Gas Supplier    | , N39 | North, single band   |
      | PPMID  | SRV 11.4 | Gas Supplier    | Import Supplier | , N39 | South, dual band     |
      | PPMID  | SRV 11.4 | Import Supplier | Gas Supplier    | , N39 | Central, single band |

    Examples: an HCALCS
      | Device | SRV      | sender          | other           | 39    | hub                  |
      | HCALCS | SRV 11.1 | Import Supplier | Gas Supplier    |       | North, dual band     |
      | HCALCS | SRV 11.1 | Import Supplier | Gas Supplier    |       | South, single band   |
      | HCALCS | SRV 11.1 | Import Supplier | Gas Supplier    |       | Central, dual band   |
      | ESME   | SRV 11.1 | Import Supplier | Gas Supplier    |       | North, single band   |
      | GSME   | SRV 11.1 | Gas Supplier    | Import Supplier |       | South, dual band     |

  @subject-dsp @CSP-01 @ALERT-N18-N20
  Scenario Outline: N20: the <Device> is on a hub that the CSP does not serve
    Given the hub is of the kind "<hub>"
    And the premises has the <Device>
    And the manufacturer has released <Device> firmware version 00000400 of 2 KB
    When the SMI gets a second <Device> on a hub that the CSP does not serve
    And the <sender> sends <SRV> for the second <Device>
    Then the <sender> gets one Service Response that lists no failed Device
    And the CSP reports that it rejects these Devices:
      | Device              | Reason                     |
      | the second <Device> | hub not served by this CSP |
    And the <sender> gets N20 for the second <Device>
    And after an hour of quiet the Suppliers have got exactly these DCC Alerts:
      | Supplier | DCC Alerts |
      | <sender> | N20        |
      | <other>  |            |

    Examples:
      | Device | SRV      | sender          | other           | hub                  |
      | PPMID  | SRV 11.4 | Import Supplier | Gas Supplier    | North, single band   |
      | PPMID  | SRV 11.4 | Gas Supplier    | Import Supplier | South, dual band     |
      | PPMID  | SRV 11.4 | Import Supplier | Gas Supplier    | Central, single band |
      | HCALCS | SRV 11.1 | Import Supplier | Gas Supplier    | North, dual band     |
      | HCALCS | SRV 11.1 | Import Supplier | Gas Supplier    | South, single band   |
      | HCALCS | SRV 11.1 | Import Supplier | Gas Supplier    | Central, dual band   |
      | ESME   | SRV 11.1 | Import Supplier | Gas Supplier    | North, single band   |
      | GSME   | SRV 11.1 | Gas Supplier    | Import Supplier | South, dual band     |
