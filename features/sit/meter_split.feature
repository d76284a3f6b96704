@sit
Feature: Firmware of an HCALCS or a meter in several parts
  Each part is sent by SRV 11.1 and activated by SRV 11.3 like an image of its own. The Device runs the new firmware when it
  has activated the last of them in order, whatever happened between the parts; firmware that another has followed is not
  completed any more.

  Background:
    Given a dual Supplier premises whose PPMID runs firmware version 00000010

  Scenario Outline: The power goes between two parts for the <Device> and within the last
    Given these Devices are on the HAN, and there is new firmware for them:
      | Device       | Version  | KB | Supplier | Part   |
      | the <Device> | 00000401 | 4  | <sender> | 1 of 2 |
      | the <Device> | 00000402 | 4  | <sender> | 2 of 2 |
    When the image of version 00000401 is distributed and is through
    And the <sender> activates the image on the <Device> by SRV 11.3
    Then the <Device> answers CS06 with success and version <runs>, signed
    When the <Device> is switched off
    And 8 days go by
    And the hub is reset
    And the <Device> is switched on again
    And the image of version 00000402 is distributed and stands at 50 %
    And every Device is switched on again
    Then 3 hours later exactly this has come of each image:
      | Image for        | Transfer response codes | DCC Alerts | Fetched |
      | version 00000401 | 0                       | N61, N62   | all     |
      | version 00000402 | 0                       | N61, N62   | all     |
    When the <sender> activates the image on the <Device> by SRV 11.3
    Then the <Device> answers CS06 with success and version 00000402, signed

    @hcalcs @subject-hcalcs @HCALCS-07 @HCALCS-08
    Examples:
      | Device | sender          | runs     |
      | HCALCS | Import Supplier | 00000100 |

    @esme @METER-01
    Examples:
      | Device | sender          | runs     |
      | ESME   | Import Supplier | 00000200 |

    @gsme @METER-01
    Examples:
      | Device | sender       | runs     |
      | GSME   | Gas Supplier | 00000200 |

  Scenario Outline: Other firmware of the <Device> comes between two parts
    Given these Devices are on the HAN, and there is new firmware for them:
      | Device       | Version  | KB | Supplier | Part   |
      | the <Device> | 00000401 | 4  | <sender> | 1 of 2 |
      | the <Device> | 00000402 | 4  | <sender> | 2 of 2 |
      | the <Device> | 00000500 | 2  | <sender> | 1 of 1 |
    When the image of version 00000401 is distributed and is through
    And the <sender> activates the image on the <Device> by SRV 11.3
    Then the <Device> answers CS06 with success and version <runs>, signed
    When 8 days go by
    And the image of version 00000500 is distributed and is through
    And the <sender> activates the image on the <Device> by SRV 11.3
    Then the <Device> answers CS06 with success and version 00000500, signed
    When 8 days go by
    And the image of version 00000402 is distributed and is through
    And the <sender> activates the image on the <Device> by SRV 11.3
    Then the <Device> answers CS06 with activationFailure and version 00000500, signed
    When the <sender> reads the <Device>'s firmware version by SRV 11.2
    Then the <sender> gets the Device's response with version 00000500

    @hcalcs @subject-hcalcs @HCALCS-04 @HCALCS-08
    Examples:
      | Device | sender          | runs     |
      | HCALCS | Import Supplier | 00000100 |

    @esme @METER-01
    Examples:
      | Device | sender          | runs     |
      | ESME   | Import Supplier | 00000200 |

    @gsme @METER-01
    Examples:
      | Device | sender       | runs     |
      | GSME   | Gas Supplier | 00000200 |

  @hcalcs @subject-ch @subject-hcalcs @CH-10 @CH-11 @HCALCS-08
  Scenario Outline: An image for the <taker> takes the block from the second of two parts for the HCALCS
    Given these Devices are on the HAN, and there is new firmware for them:
      | Device      | Version  | KB | Supplier        | Part   |
      | the HCALCS  | 00000401 | 4  | Import Supplier | 1 of 2 |
      | the HCALCS  | 00000402 | 4  | Import Supplier | 2 of 2 |
      | the <taker> | 00000500 | 2  | Gas Supplier    | 1 of 1 |
    When the image of version 00000401 is distributed and is through
    And the Import Supplier activates the image on the HCALCS by SRV 11.3
    Then the HCALCS answers CS06 with success and version 00000100, signed
    When 8 days go by
    And the image of version 00000402 is distributed and <stage>
    And the image for the <taker> is distributed
    Then the hub takes the image for the <taker>
    When every Device is switched on again
    Then 3 hours later exactly this has come of each image:
      | Image for        | Transfer response codes | DCC Alerts | Fetched   |
      | version 00000402 | 1                       | N61, N62   | <fetched> |
      | the <taker>      | 0                       | N61, N62   | all       |
    When the image of version 00000402 is distributed and is through
    And the Import Supplier activates the image on the HCALCS by SRV 11.3
    Then the HCALCS answers CS06 with success and version 00000402, signed

    Examples:
      | taker | stage          | fetched |
      | GSME  | stands at 50 % | part    |
      | PPMID | waits          | none    |
