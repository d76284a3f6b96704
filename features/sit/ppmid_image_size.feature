@sit
Feature: The largest image is 750KB
  An OTA Upgrade Image of exactly 750KB, OTA Header included, is distributed; one octet more is refused.

  Background:
    Given a dual Supplier premises whose PPMID runs firmware version 00000010

  @ppmid @subject-ch @subject-ppmid @DSP-01 @CH-01 @PPMID-03 @slow
  Scenario: An image of exactly 750KB is distributed and activated
    Given the manufacturer has released PPMID firmware version 00000020 of exactly 750KB
    When the Import Supplier checks the image against the CPL and sends SRV 11.4 for the PPMID
    Then the Import Supplier gets one Service Response that lists no failed Device
    And the CSP delivers the image to the hub, octet for octet
    And the PPMID fetches the image from the hub, octet for octet
    And the Import Supplier gets N39 for the PPMID with version 00000020

  @ppmid @DSP-01
  Scenario: An image of one octet more is refused by the DSP
    Given the manufacturer has released PPMID firmware version 00000020 of 750KB and one octet
    When the Import Supplier sends SRV 11.4 for the PPMID without checking the image
    Then the Import Supplier gets one Service Response that refuses the request, because the image is too large
    And for an hour nothing is sent to the CSP and nobody gets a DCC Alert

  @subject-ch @CH-01 @slow
  Scenario: Both blocks hold 750KB at the same time
    Given the premises has the ESME
    And the premises has the HCALCS
    And the ESME asks for blocks of 48 octets, 0 ms after one another, and says 10 seconds after the last how it ended
    And the HCALCS asks for blocks of 48 octets, 0 ms after one another, and says 10 seconds after the last how it ended
    And these Devices are on the HAN, and there is new firmware for them:
      | Device     | Version  | KB       | Supplier        |
      | the ESME   | 00000300 | the most | Import Supplier |
      | the HCALCS | 00000400 | the most | Import Supplier |
    When the image for the ESME is distributed and waits
    And the image for the HCALCS is distributed and is through
    And every Device is switched on again
    Then 24 hours later exactly this has come of each image:
      | Image for  | Transfer response codes | DCC Alerts | Fetched |
      | the ESME   | 0                       | N61, N62   | all     |
      | the HCALCS | 0                       | N61, N62   | all     |
