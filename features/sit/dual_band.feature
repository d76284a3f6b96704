@sit
Feature: A hub with two bands
  Some hubs have a band below 1 GHz beside the one at 2.4 GHz. A Device is on one of the two, and the hub serves it there as it
  would on the other, however slow the band is.

  Background:
    Given a dual Supplier premises whose PPMID runs firmware version 00000010

  @ppmid @subject-ch @CH-03 @CH-05 @CH-06 @CH-07
  Scenario Outline: A PPMID below 1 GHz is updated by a hub of the kind "<hub>"
    Given the hub is of the kind "<hub>"
    And the PPMID joins on the band below 1 GHz
    And the manufacturer has released PPMID firmware version 00000020 of 8 KB
    When the Import Supplier checks the image against the CPL and sends SRV 11.4 for the PPMID
    Then the PPMID fetches the image from the hub, octet for octet
    And the hub's Upgrade End Response tells the PPMID to activate now
    And the Import Supplier gets N39 for the PPMID with version 00000020
    And the hub has sent exactly 1 transfer Alert

    Examples:
      | hub                |
      | North, dual band   |
      | South, dual band   |
      | Central, dual band |

  @hcalcs @ppmid @subject-ch @CH-06 @CH-08
  Scenario: An HCALCS below 1 GHz and a PPMID at 2.4 GHz, one after the other
    Given the hub is of the kind "North, dual band"
    And the premises also has an HCALCS that runs firmware version 00000100
    And the HCALCS joins on the band below 1 GHz
    And these Devices are on the HAN, and there is new firmware for them:
      | Device     | Version  | KB | Supplier        |
      | the HCALCS | 00000200 | 4  | Import Supplier |
      | the PPMID  | 00000020 | 4  | Gas Supplier    |
    When the image for the HCALCS is distributed and is through
    And the image for the PPMID is distributed and is through
    Then 1 hour later exactly this has come of each image:
      | Image for  | Transfer response codes | DCC Alerts | Fetched |
      | the HCALCS | 0                       | N61, N62   | all     |
      | the PPMID  | 0                       | N61, N62   | all     |
    And the hub's Upgrade End Response has told the HCALCS to wait, and never to activate

  @ppmid @esme @subject-ch @CH-01 @CH-05
  Scenario: A PPMID below 1 GHz and an ESME at 2.4 GHz fetch at the same time
    Given the hub is of the kind "North, dual band"
    And the PPMID joins on the band below 1 GHz
    And these Devices are on the HAN, and there is new firmware for them:
      | Device    | Version  | KB | Supplier        |
      | the PPMID | 00000020 | 20 | Import Supplier |
      | the ESME  | 00000300 | 60 | Import Supplier |
    When the image for the ESME is distributed and is at 1 %
    And the image for the PPMID is distributed and is through
    Then 3 hours later exactly this has come of each image:
      | Image for | Transfer response codes | DCC Alerts | Fetched |
      | the PPMID | 0                       | N61, N62   | all     |
      | the ESME  | 0                       | N61, N62   | all     |
