@sit @ppmid
Feature: An update survives what befalls the hub, the PPMID and the WAN on the way
  Both can be reset or lose their power at any point, and the WAN can be gone for hours. The image is not lost by it,
  nothing is reported twice, and what was to be reported is reported in the end.

  Background:
    Given a dual Supplier premises whose PPMID runs firmware version 00000010
    And the manufacturer has released PPMID firmware version 00000020 of 16 KB

  @subject-ppmid @PPMID-08
  Scenario: The PPMID is reset in the middle of the download
    When the Import Supplier checks the image against the CPL and sends SRV 11.4 for the PPMID
    And the PPMID has fetched 50 % of the image
    And the PPMID is reset
    Then the PPMID fetches the image from the hub, octet for octet
    And the Import Supplier gets N39 for the PPMID with version 00000020
    And after an hour of quiet the Suppliers have got exactly these DCC Alerts:
      | Supplier        | DCC Alerts    |
      | Import Supplier | N61, N62, N39 |
      | Gas Supplier    | N59, N39      |
    And the hub has sent exactly 1 transfer Alert

  @subject-ch @subject-ppmid @CH-20 @PPMID-08
  Scenario: The PPMID is off for hours in the middle of the download
    When the Import Supplier checks the image against the CPL and sends SRV 11.4 for the PPMID
    And the PPMID has fetched 50 % of the image
    And the PPMID is switched off
    And 300 minutes go by
    And the PPMID is switched on again
    Then the PPMID fetches the image from the hub, octet for octet
    And the Import Supplier gets N39 for the PPMID with version 00000020
    And after an hour of quiet the Suppliers have got exactly these DCC Alerts:
      | Supplier        | DCC Alerts    |
      | Import Supplier | N61, N62, N39 |
      | Gas Supplier    | N59, N39      |
    And the hub has sent exactly 1 transfer Alert

  @subject-ch @CH-20
  Scenario: The PPMID is off when its image arrives
    When the PPMID is switched off
    And the Import Supplier checks the image against the CPL and sends SRV 11.4 for the PPMID
    Then the Import Supplier gets N61 for the PPMID
    When 300 minutes go by
    And the PPMID is switched on again
    Then the PPMID fetches the image from the hub, octet for octet
    And the Import Supplier gets N39 for the PPMID with version 00000020
    And the hub has sent exactly 1 transfer Alert

  @subject-ch @CH-19
  Scenario: The hub is reset in the middle of the download
    When the Import Supplier checks the image against the CPL and sends SRV 11.4 for the PPMID
    And the PPMID has fetched 50 % of the image
    And the hub is reset
    Then the PPMID fetches the image from the hub, octet for octet
    And the Import Supplier gets N39 for the PPMID with version 00000020
    And after an hour of quiet the Suppliers have got exactly these DCC Alerts:
      | Supplier        | DCC Alerts    |
      | Import Supplier | N61, N62, N39 |
      | Gas Supplier    | N59, N39      |
    And the hub has sent exactly 1 transfer Alert

  @subject-ch @CH-19
  Scenario: The hub is off for hours in the middle of the download
    When the Import Supplier checks the image against the CPL and sends SRV 11.4 for the PPMID
    And the PPMID has fetched 50 % of the image
    And the hub is switched off
    And 300 minutes go by
    And the hub is switched on again
    Then the PPMID fetches the image from the hub, octet for octet
    And the Import Supplier gets N39 for the PPMID with version 00000020
    And the hub has sent exactly 1 transfer Alert

  @subject-ch @subject-ppmid @CH-18 @PPMID-06
  Scenario: The WAN is gone while the PPMID is updated
    When the Import Supplier checks the image against the CPL and sends SRV 11.4 for the PPMID
    Then the Import Supplier gets N61 for the PPMID
    When the WAN link is cut
    Then the PPMID fetches the image from the hub, octet for octet
    And the PPMID sends the Alert 0x8F8B over the HAN
    When 300 minutes go by
    And the WAN link is back
    Then the Import Supplier gets N62 for the PPMID with Device Alert 0x8F8A, transfer response code 0 and version 00000020
    And the Import Supplier gets N39 for the PPMID with version 00000020
    And after an hour of quiet the Suppliers have got exactly these DCC Alerts:
      | Supplier        | DCC Alerts    |
      | Import Supplier | N61, N62, N39 |
      | Gas Supplier    | N59, N39      |
    And the hub has sent exactly 1 transfer Alert

  @subject-ch @CH-18 @CH-19 @PPMID-06
  Scenario: The hub loses its power while the WAN is gone and Alerts wait
    When the Import Supplier checks the image against the CPL and sends SRV 11.4 for the PPMID
    Then the Import Supplier gets N61 for the PPMID
    When the WAN link is cut
    Then the PPMID fetches the image from the hub, octet for octet
    And the PPMID sends the Alert 0x8F8B over the HAN
    When 10 minutes go by
    And the hub is switched off
    And 60 minutes go by
    And the hub is switched on again
    And 60 minutes go by
    And the WAN link is back
    Then the Import Supplier gets N62 for the PPMID with Device Alert 0x8F8A, transfer response code 0 and version 00000020
    And the Import Supplier gets N39 for the PPMID with version 00000020
    And after an hour of quiet the Suppliers have got exactly these DCC Alerts:
      | Supplier        | DCC Alerts    |
      | Import Supplier | N61, N62, N39 |
      | Gas Supplier    | N59, N39      |

  @subject-ppmid @PPMID-08
  Scenario: The power of the PPMID goes as soon as it has heard that it is to activate
    When the Import Supplier checks the image against the CPL and sends SRV 11.4 for the PPMID
    Then the hub's Upgrade End Response tells the PPMID to activate now
    When the PPMID is switched off
    And 60 minutes go by
    And the PPMID is switched on again
    Then within 26 hours the PPMID runs 00000020 and has told the Import Supplier so by N39, or it runs 00000010 and has told nothing

  @subject-ppmid @PPMID-08
  Scenario: The power of the PPMID goes when it has told that it has activated
    When the Import Supplier checks the image against the CPL and sends SRV 11.4 for the PPMID
    Then the Import Supplier gets N39 for the PPMID with version 00000020
    When the PPMID is switched off
    And 60 minutes go by
    And the PPMID is switched on again
    And 10 minutes go by
    And the Import Supplier reads the PPMID's firmware version by SRV 11.2
    Then the PPMID answers CS08 with version 00000020, under a MAC that verifies

  @subject-ppmid @PPMID-05
  Scenario: The hub is silent for hours when the PPMID has its image
    When the Import Supplier checks the image against the CPL and sends SRV 11.4 for the PPMID
    And the PPMID has fetched 100 % of the image
    And the hub is switched off
    And 300 minutes go by
    And the hub is switched on again
    Then the PPMID runs 00000010 until the hub tells it to activate
    And the Import Supplier gets N62 for the PPMID with Device Alert 0x8F8A, transfer response code 0 and version 00000020
    And the Import Supplier gets N39 for the PPMID with version 00000020
