@pit
Feature: UC4.01 Meter firmware distribution
  Mirrors use case UC4.01 of FIA 6.1.1 (table 7), uplifted for PPMID and HCALCS: all four types of Device get their images
  through one hub, and those of the meters are not held up by the others.

  Not here: table 7 also has regressions of UC8.01 'Input Billing Data (Auto)', UC8.0 'Create DCC Bills and Invoices',
  UC12.08 'Test Messages', UC13.05 'Power Alerts', UC14.01 'Smart m2m DMM management', UC14.02 'DSP Diagnostics' and UC23.01
  'Communications Hub Installation'. No firmware is updated in them, and they need billing, power outages, a CSP's device
  management and an installation, none of which the rig plays.

  Background:
    Given a dual Supplier premises whose PPMID runs firmware version 00000010

  @subject-ch @subject-csp @METER-02 @CSP-03 @CSP-04 @esme @ppmid
  Scenario Outline: An ESME and a <other> at the same time, through the hub "<hub>"
    Given the setting "csp" is as usual
    And the hub is of the kind "<hub>"
    And these Devices are on the HAN, and there is new firmware for them:
      | Device      | Version  | KB | Supplier        |
      | the <other> | 00000400 | 4  | Import Supplier |
      | the ESME    | 00000300 | 4  | Import Supplier |
    When the WAN link is cut
    And the image for the <other> is sent
    And the image for the ESME is sent
    And the WAN link is back
    Then the CSP brings the hub the image for the ESME before the one for the <other>
    And 2 hours later exactly this has come of each image:
      | Image for   | Transfer response codes | DCC Alerts | Fetched |
      | the ESME    | 0                       | N61, N62   | all     |
      | the <other> | 0                       | N61, N62   | all     |

    Examples:
      | other  | hub                  |
      | PPMID  | North, single band   |
      | HCALCS | South, dual band     |
      | PPMID  | Central, single band |

  @subject-ch @METER-01 @CSP-03 @gsme @hcalcs @ppmid
  Scenario: One after the other through the block that GSME, PPMID and HCALCS share
    Given these Devices are on the HAN, and there is new firmware for them:
      | Device     | Version  | KB | Supplier        |
      | the GSME   | 00000300 | 4  | Gas Supplier    |
      | the PPMID  | 00000020 | 4  | Gas Supplier    |
      | the HCALCS | 00000400 | 4  | Import Supplier |
    When the image for the GSME is distributed and is through
    And the image for the PPMID is distributed and is through
    And the image for the HCALCS is distributed and is through
    Then 2 hours later exactly this has come of each image:
      | Image for  | Transfer response codes | DCC Alerts | Fetched |
      | the GSME   | 0                       | N61, N62   | all     |
      | the PPMID  | 0                       | N61, N62   | all     |
      | the HCALCS | 0                       | N61, N62   | all     |
