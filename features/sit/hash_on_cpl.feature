@sit @hcalcs
Feature: An image whose Hash is not on the CPL is not distributed to an HCALCS
  Mirrors the negative SIT script of FIA 6.2.1 'Hash on CPL' for the HCALCS; that for the PPMID is in ppmid_refused_by_dsp.

  Background:
    Given a dual Supplier premises whose PPMID runs firmware version 00000010
    And the premises has the HCALCS
    And the manufacturer has released HCALCS firmware version 00000400 of 2 KB

  @subject-dsp @DSP-02 @CPL-05
  Scenario Outline: <what>
    Given <what>
    When the Import Supplier sends SRV 11.1 for the HCALCS
    Then the Import Supplier gets one Service Response that refuses the request, because the Hash is not on the CPL
    And for an hour nothing is sent to the CSP and nobody gets a DCC Alert

    Examples:
      | what                           |
      | its Hash is not on the CPL     |
      | its CPL entry has been removed |

  @subject-dsp @DSP-02
  Scenario: Its Hash is on the CPL
    When the Import Supplier sends SRV 11.1 for the HCALCS
    Then the Import Supplier gets one Service Response that lists no failed Device
    And the Import Supplier gets N62 for the HCALCS
