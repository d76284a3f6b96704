@pit
Feature: UC4.02 Communications Hub firmware distribution and activation
  Mirrors use case UC4.02 of FIA 6.1.1 (table 7), with the process of SECMP0024 around it: Service Users know seven days
  before, a release goes through a micro pilot and a pilot, and each activation is told with the version. The scenario for
  the CHF where another Firmware Update is in progress is FIA 6.2.1's.

  Background:
    Given a dual Supplier premises whose PPMID runs firmware version 00000010
    And the setting "hub_firmware_notice" is as usual
    And the setting "hub_firmware_stages" is as usual
    And the DCC has 24 more hubs like this one

  @subject-dsp @CHFW-01
  Scenario: Every User knows seven days before
    When the DCC gives notice that hubs get firmware version 00010100 in 7 days
    Then every User gets N901, the notice of firmware version 00010100, at least 7 days before
    When 6 days go by
    And the DCC begins the micro pilot of version 00010100 with 10 hubs
    Then that is refused, because the time of the notice is not over
    When 2 days go by
    And the DCC begins the micro pilot of version 00010100 with 10 hubs
    Then the DSP asks the CSP to bring firmware version 00010100 to 10 hubs

  @subject-dsp @CHFW-01
  Scenario: A notice of less than seven days is none
    When the DCC gives notice that hubs get firmware version 00010100 in 6 days
    Then that is refused, because the notice is too short

  @subject-dsp @CHFW-02
  Scenario: A release goes from stage to stage, each with a decision on the one before
    When the DCC gives notice that hubs get firmware version 00010100 in 7 days
    And 8 days go by
    And the DCC begins the pilot of version 00010100 with 20 hubs
    Then that is refused, because nobody has decided to proceed after the stage before
    When the DCC begins the micro pilot of version 00010100 with 20 hubs
    Then the DSP asks the CSP to bring firmware version 00010100 to 20 hubs
    When 8 days go by
    And the DCC begins the pilot of version 00010100 with 22 hubs
    Then that is refused, because nobody has decided to proceed after the stage before
    When the DCC decides to stop after the micro pilot of version 00010100, which has raised 2 incidents
    And the DCC begins the pilot of version 00010100 with 22 hubs
    Then that is refused, because nobody has decided to proceed after the stage before
    When the DCC decides to proceed after the micro pilot of version 00010100, which has raised 0 incidents
    And the DCC begins the pilot of version 00010100 with 22 hubs
    Then the DSP asks the CSP to bring firmware version 00010100 to 22 hubs
    When 8 days go by
    And the DCC begins the roll-out of version 00010100 with 25 hubs
    Then that is refused, because nobody has decided to proceed after the stage before
    When the DCC decides to proceed after the pilot of version 00010100, which has raised 1 incident
    And the DCC begins the roll-out of version 00010100 with 25 hubs
    Then the DSP asks the CSP to bring firmware version 00010100 to 25 hubs

  @subject-dsp @CHFW-02
  Scenario Outline: A micro pilot has 10 to 20 hubs, and not <hubs>
    When the DCC gives notice that hubs get firmware version 00010100 in 7 days
    And 8 days go by
    And the DCC begins the micro pilot of version 00010100 with <hubs> hubs
    Then that is refused, because the stage has too many hubs or too few

    Examples:
      | hubs |
      | 9    |
      | 21   |

  @subject-dsp @DSP-08
  Scenario: A hub that another update is in progress on gets no other
    When the DCC gives notice that hubs get firmware version 00010100 in 7 days
    And the DCC gives notice that hubs get firmware version 00010200 in 7 days
    And 8 days go by
    And the DCC begins the micro pilot of version 00010100 with 10 hubs
    Then the DSP asks the CSP to bring firmware version 00010100 to 10 hubs
    When the DCC begins the micro pilot of version 00010200 with 10 hubs
    Then that is refused, because the hub has an update in progress

  @subject-ch @subject-dsp @CH-21
  Scenario: The Suppliers are told which firmware the hub has activated
    When the hub activates firmware version 00010100
    Then the Import Supplier gets N902 for the hub with version 00010100
    And the Gas Supplier gets N902 for the hub with version 00010100
    And after an hour of quiet the Suppliers have got exactly these DCC Alerts:
      | Supplier        | DCC Alerts |
      | Import Supplier | N902       |
      | Gas Supplier    | N902       |
    When the Import Supplier reads the hub's inventory by SRV 8.2
    Then the inventory shows firmware version 00010100

  @subject-ch @CH-21 @ppmid
  Scenario: Updates go on through a hub that has activated new firmware
    Given these Devices are on the HAN, and there is new firmware for them:
      | Device    | Version  | KB | Supplier     |
      | the PPMID | 00000020 | 8  | Gas Supplier |
    When the image for the PPMID is distributed and is at 50 %
    And the hub activates firmware version 00010100
    Then the Gas Supplier gets N902 for the hub with version 00010100
    And 12 hours later exactly this has come of each image:
      | Image for | Transfer response codes | DCC Alerts | Fetched |
      | the PPMID | 0                       | N61, N62   | all     |
