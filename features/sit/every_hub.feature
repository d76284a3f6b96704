@sit
Feature: Updates through the hubs of all three makers
  Mirrors 'Happy Path Test Execution' of FIA 6.2.1: SRV 11.4 and 11.2 for the PPMID, SRV 11.1, 11.2 and 11.3 for ESME, GSME
  and HCALCS, with the DCC Alerts N59, N61, N62 and N39, through the three CHFs, single and dual band.

  Background:
    Given a dual Supplier premises whose PPMID runs firmware version 00000010

  @ppmid @subject-ch @subject-ppmid @DSP-24 @CSP-03
  Scenario Outline: The PPMID behind the hub "<hub>"
    Given the hub is of the kind "<hub>"
    And the manufacturer has released PPMID firmware version 00000020 of 4 KB
    When the <sender> checks the image against the CPL and sends SRV 11.4 for the PPMID
    Then the <sender> gets one Service Response that lists no failed Device
    And the <other> gets N59 with the Hash of the Manufacturer Image and the PPMID
    And the CSP delivers the image to the hub, octet for octet
    And the <sender> gets N61 for the PPMID
    And the PPMID fetches the image from the hub, octet for octet
    And the <sender> gets N62 for the PPMID with Device Alert 0x8F8A, transfer response code 0 and version 00000020
    And the <sender> gets N39 for the PPMID with version 00000020
    And after an hour of quiet the Suppliers have got exactly these DCC Alerts:
      | Supplier | DCC Alerts    |
      | <sender> | N61, N62, N39 |
      | <other>  | N59, N39      |
    When the <other> reads the PPMID's firmware version by SRV 11.2
    Then the <other> gets the Device's response with version 00000020

    Examples:
      | hub                  | sender          | other           |
      | North, single band   | Import Supplier | Gas Supplier    |
      | North, dual band     | Gas Supplier    | Import Supplier |
      | South, single band   | Import Supplier | Gas Supplier    |
      | South, dual band     | Gas Supplier    | Import Supplier |
      | Central, single band | Import Supplier | Gas Supplier    |
      | Central, dual band   | Gas Supplier    | Import Supplier |

  @subject-ch @CH-03
  Scenario Outline: The <Device> behind the hub "<hub>"
    Given the hub is of the kind "<hub>"
    And the premises also has an <Device> that runs firmware version <old>
    And the manufacturer has released <Device> firmware version 00000400 of 4 KB
    When the <sender> checks the image against the CPL and sends SRV 11.1 for the <Device>
    Then the <sender> gets one Service Response that lists no failed Device
    And the <other> gets N59 with the Hash of the Manufacturer Image and the <Device>
    And the <sender> gets N61 for the <Device>
    And the <Device> fetches the image from the hub, octet for octet
    And the <sender> gets N62 for the <Device> with Device Alert 0x8F8A, transfer response code 0 and version 00000400
    And after an hour of quiet the Suppliers have got exactly these DCC Alerts:
      | Supplier | DCC Alerts |
      | <sender> | N61, N62   |
      | <other>  | N59        |
    When the <sender> activates the image on the <Device> by SRV 11.3
    Then the <sender> is told success and version 00000400 on SRV 11.3
    When the <sender> reads the <Device>'s firmware version by SRV 11.2
    Then the <sender> gets the Device's response with version 00000400

    @hcalcs @subject-hcalcs @HCALCS-06
    Examples:
      | hub                  | Device | sender          | other        | old      |
      | North, single band   | HCALCS | Import Supplier | Gas Supplier | 00000100 |
      | North, dual band     | HCALCS | Import Supplier | Gas Supplier | 00000100 |
      | South, single band   | HCALCS | Import Supplier | Gas Supplier | 00000100 |
      | South, dual band     | HCALCS | Import Supplier | Gas Supplier | 00000100 |
      | Central, single band | HCALCS | Import Supplier | Gas Supplier | 00000100 |
      | Central, dual band   | HCALCS | Import Supplier | Gas Supplier | 00000100 |

    @esme @METER-01
    Examples:
      | hub                  | Device | sender          | other        | old      |
      | North, single band   | ESME   | Import Supplier | Gas Supplier | 00000200 |
      | North, dual band     | ESME   | Import Supplier | Gas Supplier | 00000200 |
      | South, single band   | ESME   | Import Supplier | Gas Supplier | 00000200 |
      | South, dual band     | ESME   | Import Supplier | Gas Supplier | 00000200 |
      | Central, single band | ESME   | Import Supplier | Gas Supplier | 00000200 |
      | Central, dual band   | ESME   | Import Supplier | Gas Supplier | 00000200 |

    @gsme @METER-01
    Examples:
      | hub                  | Device | sender       | other           | old      |
      | North, single band   | GSME   | Gas Supplier | Import Supplier | 00000200 |
      | North, dual band     | GSME   | Gas Supplier | Import Supplier | 00000200 |
      | South, single band   | GSME   | Gas Supplier | Import Supplier | 00000200 |
      | South, dual band     | GSME   | Gas Supplier | Import Supplier | 00000200 |
      | Central, single band | GSME   | Gas Supplier | Import Supplier | 00000200 |
      | Central, dual band   | GSME   | Gas Supplier | Import Supplier | 00000200 |
