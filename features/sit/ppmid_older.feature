@sit @ppmid
Feature: What a PPMID may do
  A PPMID that was installed before there were CS08 and CS09 is updated all the same, and the rest of the system copes with
  its silence. A PPMID that loses its power between the transfer and the activation may activate when it is back.

  Background:
    Given a dual Supplier premises whose PPMID runs firmware version 00000010
    And these Devices are on the HAN, and there is new firmware for them:
      | Device    | Version  | KB | Supplier        |
      | the PPMID | 00000020 | 4  | Import Supplier |
      | the PPMID | 00000030 | 4  | Gas Supplier    |

  @subject-ppmid @PPMID-12
  Scenario: A PPMID from before CS08 and CS09 tells and answers nothing until it has been updated
    Given the PPMID was installed with firmware from before CS08 and CS09
    When the Import Supplier reads the PPMID's firmware version by SRV 11.2
    Then in the next 24 hours the PPMID does not answer CS08
    When the image of version 00000020 is distributed and is through
    Then 24 hours later the Import Supplier has got no N39 for the PPMID, or one that it runs 00000020
    And 0 hours later exactly this has come of each image:
      | Image for        | Transfer response codes | DCC Alerts | Fetched |
      | version 00000020 | 0                       | N61, N62   | all     |
    When the Import Supplier reads the PPMID's firmware version by SRV 11.2
    Then the PPMID answers CS08 with version 00000020, under a MAC that verifies
    And the Import Supplier gets the Device's response with version 00000020
    When the Import Supplier reads the PPMID's inventory by SRV 8.2
    Then the inventory shows firmware version 00000020
    When 8 days go by
    And the image of version 00000030 is distributed and is through
    Then 1 hour later the Gas Supplier has got exactly these N39 for the PPMID: "00000030 activated"

  @subject-ppmid @PPMID-11 @CH-15
  Scenario: The power of the PPMID goes when it has its image and has not heard that it is to activate
    When the image of version 00000020 is distributed and is through as the power goes
    And 300 minutes go by
    And every Device is switched on again
    Then within 26 hours the PPMID runs 00000020 and has told the Import Supplier so by N39, or it runs 00000010 and has told nothing
    And 0 hours later exactly this has come of each image:
      | Image for        | Transfer response codes | DCC Alerts | Fetched |
      | version 00000020 | 0                       | N61, N62   | all     |
