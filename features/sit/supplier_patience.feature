@sit @ppmid
Feature: A Supplier reads before it sends, and waits for what comes of it
  The Modification Report's guidance on pending firmware images and on additional firmware: no update without the version
  that the Device runs, none before the Alerts on the one before, and none within five days of it.

  Background:
    Given a dual Supplier premises whose PPMID runs firmware version 00000010
    And the manufacturer has released PPMID firmware version 00000020 of 2 KB

  @subject-sup @SUP-06
  Scenario: The Supplier reads the firmware version before it sends
    When for 1 day the Import Supplier wants to update the PPMID
    Then in that time the Import Supplier has sent exactly these Service Requests: "11.2, 11.4"
    And the Import Supplier gets N39 for the PPMID with version 00000020

  @subject-sup @SUP-06
  Scenario: Without an answer the Supplier does not send, and tries again in a month
    When the PPMID is switched off
    And for 29 days the Import Supplier wants to update the PPMID
    Then in that time the Import Supplier has sent exactly these Service Requests: "11.2"
    When the PPMID is switched on again
    And for 1 day the Import Supplier wants to update the PPMID
    Then in that time the Import Supplier has sent exactly these Service Requests: "none"
    When for 3 days the Import Supplier wants to update the PPMID
    Then in that time the Import Supplier has sent exactly these Service Requests: "11.2, 11.4"

  @subject-sup @SUP-05
  Scenario: Two updates of one Supplier are at least five days apart
    When for 1 hour the Gas Supplier wants to update the PPMID
    Then the Gas Supplier gets N39 for the PPMID with version 00000020
    Given the manufacturer has released PPMID firmware version 00000030 of 2 KB
    When for 118 hours the Gas Supplier wants to update the PPMID
    Then in that time the Gas Supplier has sent exactly these Service Requests: "none"
    When for 2 hours the Gas Supplier wants to update the PPMID
    Then in that time the Gas Supplier has sent exactly these Service Requests: "11.2, 11.4"

  @subject-sup @SUP-05
  Scenario: The Supplier sends nothing to a PPMID that has not told of the update before
    Given the hub keeps images for 14 days, waits 300 hours for a Device that has stopped, and notifies again after 60 minutes
    And the manufacturer has released PPMID firmware version 00000020 of 128 KB
    When for 20 seconds the Import Supplier wants to update the PPMID
    Then in that time the Import Supplier has sent exactly these Service Requests: "11.2, 11.4"
    When the PPMID is switched off
    And for 8 days the Import Supplier wants to update the PPMID
    Then in that time the Import Supplier has sent exactly these Service Requests: "none"
    When the PPMID is switched on again
    And for 2 days the Import Supplier wants to update the PPMID
    Then in that time the Import Supplier has sent exactly these Service Requests: "11.2, 11.4"
