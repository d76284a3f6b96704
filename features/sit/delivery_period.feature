@sit
Feature: Within five days an image is at its hub, or its sender knows that it is not
  Mirrors the negative SIT script of FIA 6.2.1 'N60: Delivery to Comms Hub failed', with the five days of delivery (I-19).

  Background:
    Given a dual Supplier premises whose PPMID runs firmware version 00000010
    And the setting "delivery_period" is as usual
    And the DSP's tracking timeout is 7 days

  @subject-dsp @SR-07 @ALERT-N60 @DSP-10 @DSP-25
  Scenario Outline: The hub "<hub>" cannot be reached with the image for the <Device>
    Given the hub is of the kind "<hub>"
    And these Devices are on the HAN, and there is new firmware for them:
      | Device       | Version  | KB | Supplier |
      | the <Device> | 00000400 | 2  | <sender> |
    When the WAN link is cut
    And the image for the <Device> is sent
    Then the <sender> has been told by N60 within 5 days that the image for the <Device> is not at its hub
    And the screen shows the <sender> the reason "not delivered within the delivery window" for the <Device>, and the time at which N60 came
    And after an hour of quiet the Suppliers have got exactly these DCC Alerts:
      | Supplier | DCC Alerts |
      | <sender> | N60        |
      | <other>  | N59        |
    And within 15 minutes the 'Firmware Update Status' screen shows the <sender> that the <Device> is FAILED_CH_TRANSFER, by the <sender>'s request for version 00000400
    And the DSP has asked the CSP once, and does not ask again in the next 5 days

    Examples:
      | Device | sender          | other           | hub                  |
      | PPMID  | Import Supplier | Gas Supplier    | North, single band   |
      | PPMID  | Gas Supplier    | Import Supplier | South, dual band     |
      | PPMID  | Import Supplier | Gas Supplier    | Central, single band |
      | HCALCS | Import Supplier | Gas Supplier    | North, dual band     |
      | HCALCS | Import Supplier | Gas Supplier    | South, single band   |
      | HCALCS | Import Supplier | Gas Supplier    | Central, dual band   |
      | ESME   | Import Supplier | Gas Supplier    | North, single band   |
      | ESME   | Import Supplier | Gas Supplier    | South, dual band     |
      | ESME   | Import Supplier | Gas Supplier    | Central, single band |
      | GSME   | Gas Supplier    | Import Supplier | North, dual band     |
      | GSME   | Gas Supplier    | Import Supplier | South, single band   |
      | GSME   | Gas Supplier    | Import Supplier | Central, dual band   |

  @subject-dsp @SR-07 @ALERT-N60 @ppmid
  Scenario: The CSP has taken the request, and nothing is heard of it any more
    Given these Devices are on the HAN, and there is new firmware for them:
      | Device    | Version  | KB | Supplier     |
      | the PPMID | 00000020 | 2  | Gas Supplier |
    When the WAN link is cut
    And the image for the PPMID is sent
    And 5 minutes go by
    And the SM WAN Gateway between DSP and CSP is down
    Then the Gas Supplier has been told by N60 within 5 days that the image for the PPMID is not at its hub

  @subject-dsp @SR-07 @DSP-12 @ppmid
  Scenario: The CSP takes the request after some days only, and cannot reach the hub
    Given the setting "long_retry" is as usual
    And these Devices are on the HAN, and there is new firmware for them:
      | Device    | Version  | KB | Supplier        |
      | the PPMID | 00000020 | 2  | Import Supplier |
    When the WAN link is cut
    And the CSP can take no further update
    And the image for the PPMID is sent
    Then the DSP asks the CSP again at once, and then every hour for 3 days
    When the CSP can take updates again
    Then within an hour the CSP takes the request
    And the Import Supplier has been told by N60 within 5 days that the image for the PPMID is not at its hub

  @subject-dsp @SR-07 @ppmid
  Scenario: The hub comes back on the fourth day
    Given the setting "csp.service_window" is as usual
    And these Devices are on the HAN, and there is new firmware for them:
      | Device    | Version  | KB | Supplier        |
      | the PPMID | 00000020 | 2  | Import Supplier |
    When the WAN link is cut
    And the image for the PPMID is sent
    And 3 days go by
    And the WAN link is back
    Then 2 hours later exactly this has come of each image:
      | Image for | Transfer response codes | DCC Alerts | Fetched |
      | the PPMID | 0                       | N61, N62   | all     |
