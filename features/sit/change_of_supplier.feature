@sit @ppmid
Feature: Change of Supplier in the middle of firmware in two parts
  The Modification Report's scenarios: the losing Supplier can send nothing more, and the gaining Supplier does nothing,
  carries on with the next part, or overwrites what is there with another update.

  Background:
    Given a dual Supplier premises whose PPMID runs firmware version 00000010
    And these Devices are on the HAN, and there is new firmware for them:
      | Device    | Version  | KB | Supplier          | Part   |
      | the PPMID | 00000021 | 4  | Import Supplier   | 1 of 2 |
      | the PPMID | 00000022 | 4  | gaining Supplier  | 2 of 2 |
      | the PPMID | 00000030 | 4  | gaining Supplier  | 1 of 1 |

  @subject-dsp @DSP-26 @DSP-06
  Scenario: The losing Supplier can no longer send
    When the image of version 00000021 is distributed and is through
    And the other Supplier takes over the premises from the Import Supplier
    And the losing Supplier checks the image against the CPL and sends SRV 11.4 for the PPMID
    Then the losing Supplier gets one Service Response that lists these failed Devices:
      | Device    | Reason                       |
      | the PPMID | not the Responsible Supplier |
    And for an hour nothing is sent to the CSP and nobody gets a DCC Alert

  @subject-dsp @DSP-26
  Scenario: The losing Supplier can no longer read
    When the image of version 00000021 is distributed and is through
    And the other Supplier takes over the premises from the Import Supplier
    And the losing Supplier reads the PPMID's firmware version by SRV 11.2
    Then the losing Supplier gets one Service Response that refuses the request, because it is not responsible
    And the 'Firmware Update Status' screen shows the losing Supplier nothing of the PPMID

  @subject-dsp @DSP-26 @DSP-24
  Scenario: The gaining Supplier does nothing: the PPMID goes on with its old firmware
    When the image of version 00000021 is distributed and waits
    And the other Supplier takes over the premises from the Import Supplier
    And every Device is switched on again
    Then the losing Supplier gets N62 for the PPMID
    And 2 hours later the gaining Supplier has got exactly these N39 for the PPMID: "00000010 activated"
    And 0 hours later the Gas Supplier has got exactly these N39 for the PPMID: "00000010 activated"
    And 0 hours later the losing Supplier has got exactly these N39 for the PPMID: "none"
    When 30 days go by
    And the gaining Supplier reads the PPMID's firmware version by SRV 11.2
    Then the gaining Supplier gets the Device's response with version 00000010

  @subject-dsp @DSP-26
  Scenario: The gaining Supplier carries on with the next part
    When the image of version 00000021 is distributed and is through
    And the other Supplier takes over the premises from the Import Supplier
    And the image of version 00000022 is distributed and is through
    Then 1 hour later exactly this has come of each image:
      | Image for        | Transfer response codes | DCC Alerts | Fetched |
      | version 00000022 | 0                       | N61, N62   | all     |
    And 0 hours later the gaining Supplier has got exactly these N39 for the PPMID: "00000022 activated"
    And 0 hours later the Gas Supplier has got exactly these N39 for the PPMID: "00000010 activated, 00000022 activated"
    And 0 hours later the losing Supplier has got exactly these N39 for the PPMID: "00000010 activated"

  @subject-dsp @DSP-26
  Scenario: The gaining Supplier overwrites the part with an update of its own
    When the image of version 00000021 is distributed and is through
    And the other Supplier takes over the premises from the Import Supplier
    And the image of version 00000030 is distributed and is through
    Then 1 hour later exactly this has come of each image:
      | Image for        | Transfer response codes | DCC Alerts | Fetched |
      | version 00000030 | 0                       | N61, N62   | all     |
    And 0 hours later the gaining Supplier has got exactly these N39 for the PPMID: "00000030 activated"
    And 0 hours later the Gas Supplier has got exactly these N39 for the PPMID: "00000010 activated, 00000030 activated"
    And 0 hours later the losing Supplier has got exactly these N39 for the PPMID: "00000010 activated"

  @subject-dsp @DSP-26 @DSP-23
  Scenario: The gaining Supplier overwrites a part that still waits, and the losing Supplier is told
    Given the DSP's tracking timeout is 1 day
    When the image of version 00000021 is distributed and waits
    And the other Supplier takes over the premises from the Import Supplier
    And 2 days go by
    And the image of version 00000030 is distributed and waits
    Then the losing Supplier gets N62 for the PPMID
    When every Device is switched on again
    Then 2 hours later the gaining Supplier has got exactly these N39 for the PPMID: "00000030 activated"
    And 0 hours later exactly this has come of each image:
      | Image for        | Transfer response codes | DCC Alerts | Fetched |
      | version 00000030 | 0                       | N61, N62   | all     |
