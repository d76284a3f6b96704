@sit
Feature: Several Devices, and what the hub says to each type at the end
  An image for ESMEs goes to all that it is for, four at once. Meters and HCALCS are updated by SRV 11.1 as meters were
  before, and the hub tells none of them to activate: their Supplier does.

  Background:
    Given a dual Supplier premises whose PPMID runs firmware version 00000010

  @subject-ch @CH-17 @CH-15 @METER-01
  Scenario: Four ESMEs fetch their image at the same time, and a fifth gets it too
    Given these Devices are on the HAN, and there is new firmware for them:
      | Device         | Version  | KB | Supplier        |
      | the ESME       | 00000300 | 8  | Import Supplier |
      | the fifth ESME | 00000400 | 2  | Import Supplier |
    When the image for the ESME is distributed to every Device of its type
    And 120 minutes go by
    Then 4 Devices have been fetching the image for the ESME at the same time
    And every Device of its type has got the image for the ESME, and the hub has sent one transfer Alert for each

  @subject-ch @CH-17 @ALERT-N60
  Scenario: The ESME block is not overwritten while one of four ESMEs still fetches from it
    Given these Devices are on the HAN, and there is new firmware for them:
      | Device          | Version  | KB | Supplier        |
      | the ESME        | 00000300 | 4  | Import Supplier |
      | the fourth ESME | 00000500 | 2  | Import Supplier |
      | the fifth ESME  | 00000400 | 2  | Import Supplier |
    When the image for the ESME is distributed and stands at 50 %
    And the image for the fifth ESME is distributed
    Then the hub refuses the image for the fifth ESME
    When the transfer to the ESME goes on and is through
    And the image for the fourth ESME is distributed
    Then the hub takes the image for the fourth ESME
    And 2 hours later exactly this has come of each image:
      | Image for       | Transfer response codes | DCC Alerts | Fetched |
      | the ESME        | 0                       | N61, N62   | all     |
      | the fourth ESME | 0                       | N61, N62   | all     |
      | the fifth ESME  | 1                       | N60, N62   | none    |

  @subject-ch @CH-08
  Scenario Outline: The hub does not tell an <Device> to activate
    Given these Devices are on the HAN, and there is new firmware for them:
      | Device       | Version  | KB | Supplier   |
      | the <Device> | 00000400 | 2  | <Supplier> |
    When the image for the <Device> is distributed and is through
    Then 24 hours later exactly this has come of each image:
      | Image for    | Transfer response codes | DCC Alerts | Fetched |
      | the <Device> | 0                       | N61, N62   | all     |
    And the hub's Upgrade End Response has told the <Device> to wait, and never to activate

    @METER-01
    Examples: meters
      | Device | Supplier        |
      | ESME   | Import Supplier |
      | GSME   | Gas Supplier    |

    Examples: others
      | Device | Supplier        |
      | HCALCS | Import Supplier |

  @subject-ch @CH-03 @CH-11
  Scenario: An image that has waited long gives way to a newer one for the same PPMID, and that one is offered
    Given these Devices are on the HAN, and there is new firmware for them:
      | Device    | Version  | KB | Supplier     |
      | the PPMID | 00000020 | 2  | Gas Supplier |
      | the PPMID | 00000030 | 2  | Gas Supplier |
    When the image of version 00000020 is distributed and waits
    And 8 days go by
    And the image of version 00000030 is distributed and waits
    Then within 1 minute the hub has sent exactly the transfer response code 1 for the PPMID
    When every Device is switched on again
    Then 24 hours later exactly this has come of each image:
      | Image for        | Transfer response codes | DCC Alerts | Fetched |
      | version 00000030 | 0                       | N61, N62   | all     |

  @subject-ch @CH-17 @ALERT-N60
  Scenario: The ESME block is not overwritten when two of three ESMEs have their image and the last still fetches it
    Given the DSP's tracking timeout is 1 day
    And these Devices are on the HAN, and there is new firmware for them:
      | Device         | Version  | KB | Supplier        |
      | the ESME       | 00000300 | 8  | Import Supplier |
      | the third ESME | 00000400 | 2  | Import Supplier |
    When the second ESME is switched off
    And the image for the ESME is distributed to every Device of its type
    And the transfer to the ESME goes on and is through
    And 2 days go by
    And the second ESME is switched on again
    And the second ESME has fetched 50 % of the image
    And the second ESME is switched off
    And the image for the third ESME is distributed
    Then the hub refuses the image for the third ESME
    When every Device is switched on again
    And 300 minutes go by
    Then every Device of its type has got the image for the ESME, and the hub has sent one transfer Alert for each

  @subject-ch @hcalcs @CH-18
  Scenario: The WAN goes when a Device has a Critical Command, and before it has answered
    Given the premises also has an HCALCS that runs firmware version 00000100
    And the manufacturer has released HCALCS firmware version 00000200 of 2 KB
    When the Import Supplier activates the image on the HCALCS by SRV 11.3
    And the WAN link is cut as soon as the HCALCS has a Command
    Then the HCALCS answers CS06 with noImageHeld and version 00000100, signed
    When 300 minutes go by
    And the WAN link is back
    Then the Import Supplier is told noImageHeld and version 00000100 on SRV 11.3
