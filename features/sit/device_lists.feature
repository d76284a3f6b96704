@sit @ppmid
Feature: One SRV 11.4 lists up to 50,000 PPMIDs
  BR 4.1.2: a list of that length is taken, with the reason for each Device to which nothing is sent; a longer one is refused whole.

  Background:
    Given a dual Supplier premises whose PPMID runs firmware version 00000010
    And the manufacturer has released PPMID firmware version 00000020 of 2 KB

  @subject-dsp @SR-02
  Scenario: A list of 50,000 Devices is taken
    Given the setting "maximum_devices" is as usual
    When the Import Supplier sends SRV 11.4 that lists 50000 Devices, the PPMID among them
    Then the Import Supplier gets one Service Response that lists 49999 invalid Devices, and not the PPMID
    And the Import Supplier gets N39 for the PPMID with version 00000020

  @subject-dsp @SR-02
  Scenario: A list of 50,001 Devices is refused whole
    Given the setting "maximum_devices" is as usual
    When the Import Supplier sends SRV 11.4 that lists 50001 Devices, the PPMID among them
    Then the Import Supplier gets one Service Response that refuses the request, because it lists too many Devices
    And for an hour nothing is sent to the CSP and nobody gets a DCC Alert
