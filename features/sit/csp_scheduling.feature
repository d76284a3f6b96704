@sit
Feature: How a CSP schedules images for one hub, and how it tells of them
  What FIA 3.3 and Appendix D say of the CSPs: meters go first, and a second request for a hub within the service window is
  either rejected or scheduled. Both readings of the latter are shown.

  Background:
    Given a dual Supplier premises whose PPMID runs firmware version 00000010

  @subject-csp @CSP-04
  Scenario Outline: The image for the <meter> goes ahead of that for the <other>
    Given the setting "csp" is as usual
    And these Devices are on the HAN, and there is new firmware for them:
      | Device      | Version  | KB | Supplier        |
      | the <other> | 00000400 | 2  | Import Supplier |
      | the <meter> | 00000500 | 2  | <sender>        |
    When the WAN link is cut
    And the image for the <other> is sent
    And the image for the <meter> is sent
    And the WAN link is back
    Then the CSP brings the hub the image for the <meter> before the one for the <other>

    Examples:
      | meter | other  | sender          |
      | ESME  | PPMID  | Import Supplier |
      | ESME  | HCALCS | Import Supplier |
      | GSME  | PPMID  | Gas Supplier    |
      | GSME  | HCALCS | Gas Supplier    |

  @subject-csp @CSP-06 @DSP-10
  Scenario: A CSP that rejects a second request for a hub tells why
    Given the setting "csp" is as usual
    And the CSP rejects a second request for a hub that has one being actioned
    And these Devices are on the HAN, and there is new firmware for them:
      | Device     | Version  | KB | Supplier        |
      | the PPMID  | 00000020 | 2  | Gas Supplier    |
      | the HCALCS | 00000400 | 2  | Import Supplier |
    When the WAN link is cut
    And the image for the PPMID is sent
    And the image for the HCALCS is sent
    Then the CSP reports that it rejects these Devices:
      | Device     | Reason                                                                  |
      | the HCALCS | another request for the hub is being actioned within the service window |
    And the Import Supplier gets N20 for the HCALCS
    And within 15 minutes the 'Firmware Update Status' screen shows the Gas Supplier that the PPMID is APPROVED_FOR_DISTRIBUTION, by the Gas Supplier's request for version 00000020
    And within 15 minutes the 'Firmware Update Status' screen shows the Import Supplier that the HCALCS is REJECTED_BY_CSP, by the Import Supplier's request for version 00000400

  @subject-csp @CSP-06
  Scenario: A CSP that schedules a second request brings both images to the hub
    Given the setting "csp" is as usual
    And the CSP schedules a second request for a hub that has one being actioned
    And these Devices are on the HAN, and there is new firmware for them:
      | Device    | Version  | KB | Supplier        |
      | the PPMID | 00000020 | 2  | Gas Supplier    |
      | the ESME  | 00000400 | 2  | Import Supplier |
    When the WAN link is cut
    And the image for the PPMID is sent
    And the image for the ESME is sent
    Then the CSP reports that it rejects no Device
    When the WAN link is back
    Then 2 hours later exactly this has come of each image:
      | Image for | Transfer response codes | DCC Alerts | Fetched |
      | the PPMID | 0                       | N61, N62   | all     |
      | the ESME  | 0                       | N61, N62   | all     |

  @subject-csp @CSP-06
  Scenario: A CSP that schedules a second request rejects it where both do not fit in its service window
    Given the setting "csp" is as usual
    And the CSP schedules a second request for a hub that has one being actioned
    And the CSP takes to a hub what needs 60 hours, in a service window of 4 days
    And these Devices are on the HAN, and there is new firmware for them:
      | Device    | Version  | KB | Supplier        |
      | the PPMID | 00000020 | 2  | Gas Supplier    |
      | the ESME  | 00000400 | 2  | Import Supplier |
    When the WAN link is cut
    And the image for the PPMID is sent
    And the image for the ESME is sent
    Then the CSP reports that it rejects these Devices:
      | Device   | Reason                                                                  |
      | the ESME | another request for the hub is being actioned within the service window |
    And the Import Supplier gets N20 for the ESME

  @subject-dsp @DSP-13
  Scenario: A batch of transfer notifications yields one DCC Alert for each Device
    Given the setting "csp" is as usual
    And the CSP gathers its transfer notifications for 30 minutes
    And these Devices are on the HAN, and there is new firmware for them:
      | Device    | Version  | KB | Supplier        |
      | the PPMID | 00000020 | 2  | Gas Supplier    |
      | the ESME  | 00000400 | 2  | Import Supplier |
    When the image for the PPMID is sent
    And the image for the ESME is sent
    Then 2 hours later exactly this has come of each image:
      | Image for | Transfer response codes | DCC Alerts | Fetched |
      | the PPMID | 0                       | N61, N62   | all     |
      | the ESME  | 0                       | N61, N62   | all     |
