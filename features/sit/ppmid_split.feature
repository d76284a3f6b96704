@sit @ppmid
Feature: Firmware of a PPMID in several parts
  Firmware that does not fit in one image comes in parts. Each part is sent, fetched and activated like an image of its
  own; the PPMID runs the new firmware when it has activated the last of them in order, and tells the old version until
  then.

  Background:
    Given a dual Supplier premises whose PPMID runs firmware version 00000010
    And these Devices are on the HAN, and there is new firmware for them:
      | Device    | Version  | KB | Supplier        | Part   |
      | the PPMID | 00000021 | 4  | Import Supplier | 1 of 3 |
      | the PPMID | 00000022 | 4  | Import Supplier | 2 of 3 |
      | the PPMID | 00000023 | 4  | Import Supplier | 3 of 3 |
      | the PPMID | 00000030 | 4  | Gas Supplier    | 1 of 1 |
      | the GSME  | 00000300 | 2  | Gas Supplier    | 1 of 1 |

  @subject-ppmid @PPMID-09 @PPMID-10
  Scenario: The parts come in order
    When the image of version 00000021 is distributed and is through
    Then 1 hour later the Import Supplier has got exactly these N39 for the PPMID: "00000010 activated"
    When the Import Supplier reads the PPMID's firmware version by SRV 11.2
    Then the PPMID answers CS08 with version 00000010, under a MAC that verifies
    When the image of version 00000022 is distributed and is through
    And the Import Supplier reads the PPMID's inventory by SRV 8.2
    Then the inventory shows firmware version 00000010
    When the image of version 00000023 is distributed and is through
    Then 1 hour later the Import Supplier has got exactly these N39 for the PPMID: "00000010 activated, 00000010 activated, 00000023 activated"
    And 0 hours later the Gas Supplier has got exactly these N39 for the PPMID: "00000010 activated, 00000010 activated, 00000023 activated"
    When the Import Supplier reads the PPMID's firmware version by SRV 11.2
    Then the PPMID answers CS08 with version 00000023, under a MAC that verifies
    And 1 hour later exactly this has come of each image:
      | Image for        | Transfer response codes | DCC Alerts | Fetched |
      | version 00000021 | 0                       | N61, N62   | all     |
      | version 00000022 | 0                       | N61, N62   | all     |
      | version 00000023 | 0                       | N61, N62   | all     |

  @subject-ppmid @PPMID-10
  Scenario: The last part comes first
    When the image of version 00000023 is distributed and is through
    Then 1 hour later the Import Supplier has got exactly these N39 for the PPMID: "00000010 failed"
    When the Import Supplier reads the PPMID's firmware version by SRV 11.2
    Then the PPMID answers CS08 with version 00000010, under a MAC that verifies
    When the image of version 00000021 is distributed and is through
    And the image of version 00000022 is distributed and is through
    And the image of version 00000023 is distributed and is through
    Then 1 hour later the Import Supplier has got exactly these N39 for the PPMID: "00000010 failed, 00000010 activated, 00000010 activated, 00000023 activated"

  @subject-ppmid @PPMID-10
  Scenario: A part is missing
    When the image of version 00000021 is distributed and is through
    And the image of version 00000023 is distributed and is through
    Then 1 hour later the Import Supplier has got exactly these N39 for the PPMID: "00000010 activated, 00000010 failed"
    When the Import Supplier reads the PPMID's firmware version by SRV 11.2
    Then the PPMID answers CS08 with version 00000010, under a MAC that verifies

  @subject-ppmid @PPMID-09 @PPMID-10
  Scenario: A part is sent twice
    When the image of version 00000021 is distributed and is through
    And the image of version 00000021 is distributed and is through
    And the image of version 00000022 is distributed and is through
    And the image of version 00000023 is distributed and is through
    Then 1 hour later the Import Supplier has got exactly these N39 for the PPMID: "00000010 activated, 00000010 activated, 00000010 activated, 00000023 activated"

  @subject-ppmid @PPMID-09 @PPMID-10 @PPMID-08 @slow
  Scenario: A part is sent again because no Alert has come of it
    When the image of version 00000021 is distributed and is through as the power goes
    And 8 days go by
    And the image of version 00000021 is distributed and waits
    And every Device is switched on again
    And 120 minutes go by
    And the image of version 00000022 is distributed and is through
    And the image of version 00000023 is distributed and is through
    Then 1 hour later the Import Supplier has got these N39 for the PPMID: "00000010 activated" 2 times or more, and "00000023 activated" at last
    When the Import Supplier reads the PPMID's firmware version by SRV 11.2
    Then the PPMID answers CS08 with version 00000023, under a MAC that verifies

  @subject-ppmid @PPMID-09 @PPMID-10 @PPMID-08 @slow
  Scenario: A part is sent again before the PPMID has fetched it
    When the image of version 00000021 is distributed and waits
    And 8 days go by
    And the image of version 00000021 is distributed and waits
    And every Device is switched on again
    Then 2 hours later the Import Supplier has got exactly these N39 for the PPMID: "00000010 activated"
    When the image of version 00000022 is distributed and is through
    And the image of version 00000023 is distributed and is through
    Then 1 hour later the Import Supplier has got exactly these N39 for the PPMID: "00000010 activated, 00000010 activated, 00000023 activated"

  @subject-ppmid @PPMID-10
  Scenario: The other Supplier's firmware comes between the parts
    When the image of version 00000021 is distributed and is through
    And the image of version 00000030 is distributed and is through
    Then 1 hour later the Gas Supplier has got exactly these N39 for the PPMID: "00000010 activated, 00000030 activated"
    When the image of version 00000022 is distributed and is through
    Then 1 hour later the Import Supplier has got exactly these N39 for the PPMID: "00000010 activated, 00000030 activated, 00000030 failed"
    When the Import Supplier reads the PPMID's firmware version by SRV 11.2
    Then the PPMID answers CS08 with version 00000030, under a MAC that verifies

  @subject-ch @subject-ppmid @CH-10 @PPMID-10
  Scenario: An image for the GSME takes the block from a part
    When the image of version 00000021 is distributed and is through
    And the image of version 00000022 is distributed and stands at 50 %
    And the image for the GSME is distributed
    Then the hub takes the image for the GSME
    When every Device is switched on again
    Then 2 hours later exactly this has come of each image:
      | Image for        | Transfer response codes | DCC Alerts | Fetched |
      | version 00000022 | 1                       | N61, N62   | part    |
      | the GSME         | 0                       | N61, N62   | all     |
    When the image of version 00000022 is distributed and is through
    And the image of version 00000023 is distributed and is through
    Then 1 hour later the Import Supplier has got exactly these N39 for the PPMID: "00000010 activated, 00000010 activated, 00000023 activated"

  @subject-ppmid @PPMID-08 @PPMID-10
  Scenario: The power goes between the parts
    When the image of version 00000021 is distributed and is through
    And the PPMID is switched off
    And 2 days go by
    And the hub is reset
    And the PPMID is switched on again
    And the image of version 00000022 is distributed and is through
    And the PPMID is reset
    And the image of version 00000023 is distributed and stands at 50 %
    And every Device is switched on again
    Then 2 hours later the Import Supplier has got exactly these N39 for the PPMID: "00000010 activated, 00000010 activated, 00000023 activated"
    When the Import Supplier reads the PPMID's firmware version by SRV 11.2
    Then the PPMID answers CS08 with version 00000023, under a MAC that verifies
