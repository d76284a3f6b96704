@sit @ppmid
Feature: Upgrade pathways
  From the FIR a Supplier derives in which order a Device is upgraded (MP231), and sees before it sends an image whether that
  is next. Each pathway that the manufacturer declares works on the Device.

  Background:
    Given a dual Supplier premises whose PPMID runs firmware version 00000010

  @subject-sup @PATH-01
  Scenario: The order of upgrades follows from the FIR
    Given the manufacturer has published these PPMID releases:
      | Release | Version  | Baselines           |
      | A       | 00000020 | what the PPMID runs |
      | B       | 00000030 | A                   |
      | C       | 00000040 | A, B                |
      | D       | 00000050 | C                   |
    Then the Import Supplier plans to bring the PPMID to release A by "A"
    And the Import Supplier plans to bring the PPMID to release B by "A, B"
    And the Import Supplier plans to bring the PPMID to release D by "A, C, D"

  @subject-sup @PATH-01
  Scenario: An image that is out of order is seen before it is sent
    Given the manufacturer has published these PPMID releases:
      | Release | Version  | Baselines           |
      | A       | 00000020 | what the PPMID runs |
      | B       | 00000030 | A                   |
    When the Import Supplier checks release B against the FIR
    Then the Import Supplier does not send it, because the way there is by "A, B"

  @subject-sup @PATH-01
  Scenario: An image that nothing leads to is not sent
    Given the manufacturer has published these PPMID releases:
      | Release | Version  | Baselines |
      | A       | 00000020 | N/A       |
      | B       | 00000030 | A         |
    When the Import Supplier checks release B against the FIR
    Then the Import Supplier does not send it, because no pathway leads there

  @subject-sup @PATH-01 @FIR-02
  Scenario: An image is not sent when the PPMID may run a baseline of the same version with another Hash
    Given the manufacturer has published these PPMID releases:
      | Release | Version  | Baselines |
      | A       | 00000010 | N/A       |
      | B       | 00000020 | A         |
    When the Import Supplier checks release B against the FIR
    Then the Import Supplier does not send it, because the PPMID may run another baseline of the same version

  @subject-ppmid @PATH-01 @PATH-02
  Scenario: The PPMID goes through every release
    Given the manufacturer has published these PPMID releases:
      | Release | Version  | Baselines           |
      | A       | 00000020 | what the PPMID runs |
      | B       | 00000030 | A                   |
      | C       | 00000040 | A, B                |
    When the Import Supplier checks release A against the FIR
    Then the Import Supplier sends SRV 11.4 for the PPMID
    And the Import Supplier gets N39 for the PPMID with version 00000020
    When the Import Supplier checks release B against the FIR
    Then the Import Supplier sends SRV 11.4 for the PPMID
    And the Import Supplier gets N39 for the PPMID with version 00000030
    When the Import Supplier checks release C against the FIR
    Then the Import Supplier sends SRV 11.4 for the PPMID
    And the Import Supplier gets N39 for the PPMID with version 00000040
    When the Import Supplier reads the PPMID's firmware version by SRV 11.2
    Then the Import Supplier gets the Device's response with version 00000040

  @subject-ppmid @PATH-02
  Scenario: The PPMID takes the shorter of two declared ways
    Given the manufacturer has published these PPMID releases:
      | Release | Version  | Baselines           |
      | A       | 00000020 | what the PPMID runs |
      | B       | 00000030 | A                   |
      | C       | 00000040 | A, B                |
    When the Import Supplier checks release A against the FIR
    Then the Import Supplier gets N39 for the PPMID with version 00000020
    When the Import Supplier checks release C against the FIR
    Then the Import Supplier gets N39 for the PPMID with version 00000040
    When the Import Supplier reads the PPMID's firmware version by SRV 11.2
    Then the Import Supplier gets the Device's response with version 00000040
