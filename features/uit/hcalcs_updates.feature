@uit @hcalcs
Feature: HCALCS firmware updates by GBCS Commands
  Mirrors the UIT element 'HCALCS Firmware Updates using the GBCS Commands' of FIA 6.2.4, on meter sets with hubs of all
  three makers, single and dual band: the update is tracked, the firmware is on the Device, the Device Alerts come, and
  SRV 8.2 returns the firmware.

  Background:
    Given a dual Supplier premises whose PPMID runs firmware version 00000010

  @subject-hcalcs @SR-09 @DSP-19 @HCALCS-06 @SMI-01
  Scenario Outline: The HCALCS of a meter set with the hub "<hub>"
    Given the hub is of the kind "<hub>"
    And the premises also has an HCALCS that runs firmware version 00000100
    And the manufacturer has released HCALCS firmware version 00000400 of 4 KB
    When the Import Supplier checks the image against the CPL and sends SRV 11.1 for the HCALCS
    Then the hub sends the Alert 0x8F8A with transfer response code 0, signed, for the HCALCS and version 00000400
    And the Import Supplier gets N62 for the HCALCS with Device Alert 0x8F8A, transfer response code 0 and version 00000400
    And within 15 minutes the 'Firmware Update Status' screen shows the Import Supplier that the HCALCS is SUCCESSFUL_HAN_TRANSFER, by the Import Supplier's request for version 00000400
    When the Import Supplier activates the image on the HCALCS by SRV 11.3
    Then the Import Supplier is told success and version 00000400 on SRV 11.3
    When the Import Supplier reads the HCALCS's inventory by SRV 8.2
    Then the inventory shows firmware version 00000400
    When the Import Supplier reads the HCALCS's firmware version by SRV 11.2
    Then the HCALCS answers the read of its version with 00000400, under a MAC that verifies

    Examples:
      | hub                  |
      | North, single band   |
      | North, dual band     |
      | South, single band   |
      | South, dual band     |
      | Central, single band |
      | Central, dual band   |
