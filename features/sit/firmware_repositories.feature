@sit @subject-cpl
Feature: The Firmware Information Repository and the Device Zigbee Information Repository
  Both refer to the CPL by entry number (MP231). The FIR is for SEC Parties; who reads the DZIR, the Security
  Sub-Committee decides.

  @FIR-01
  Scenario Outline: A submission without <a detail> for the FIR is refused
    Given the manufacturer has made PPMID firmware that is not on the CPL
    But the submission lacks the <a detail> for the FIR
    When the manufacturer submits it to the CPL
    Then the submission is refused, because the <what> is missing, and CPL, FIR and DZIR stay as they were

    Examples:
      | a detail      | what                                 |
      | email         | email address of the manufacturer    |
      | telephone     | telephone number of the manufacturer |
      | address       | business address of the manufacturer |
      | release notes | release notes                        |
      | baselines     | baselines, or N/A                    |

  @FIR-03
  Scenario: A submission without details for the FIR is refused
    Given the manufacturer has made PPMID firmware that is not on the CPL
    But the submission lacks the details for the FIR
    When the manufacturer submits it to the CPL
    Then the submission is refused, because the details for the FIR are missing, and CPL, FIR and DZIR stay as they were

  @FIR-02
  Scenario Outline: A baseline that is <no baseline> is refused
    Given the manufacturer has made PPMID firmware that is not on the CPL
    But the baseline of the submission is <no baseline>
    When the manufacturer submits it to the CPL
    Then the submission is refused, because the baseline is no CPL entry of the Device Model, and CPL, FIR and DZIR stay as they were

    Examples:
      | no baseline                           |
      | on no CPL entry                       |
      | the CPL entry of another Device Model |

  @FIR-01 @FIR-02 @FIR-04
  Scenario: SEC Parties read the FIR, and nobody else
    Given the manufacturer has published these PPMID releases:
      | Release | Version  | Baselines           |
      | A       | 00000020 | what the PPMID runs |
      | B       | 00000020 | what the PPMID runs |
      | C       | 00000030 | A, B                |
    Then a SEC Party reads the submitted details in the FIR
    And somebody who is no SEC Party is refused in the FIR

  @FIR-01 @DZIR-01
  Scenario: FIR and DZIR keep their records when the entry is taken off the CPL
    Given the manufacturer has made PPMID firmware that is not on the CPL
    When the manufacturer submits it to the CPL
    Then CPL, FIR and DZIR have the submitted details under one number
    When the SEC Panel takes the entry off the CPL
    Then a SEC Party reads the submitted details in the FIR
    When the Security Sub-Committee grants a SEC Party's access to the DZIR
    Then a SEC Party reads the submitted details in the DZIR

  @DZIR-01
  Scenario Outline: A submission without <a detail> for the DZIR is refused
    Given the manufacturer has made PPMID firmware that is not on the CPL
    But the submission lacks the <a detail> for the DZIR
    When the manufacturer submits it to the CPL
    Then the submission is refused, because the <what> missing, and CPL, FIR and DZIR stay as they were

    Examples:
      | a detail       | what                     |
      | details        | details for the DZIR are |
      | chipset vendor | ZigBee chipset vendor is |
      | stack version  | ZigBee stack version is  |

  @DZIR-02
  Scenario: The Security Sub-Committee decides who reads the DZIR
    Given the manufacturer has made PPMID firmware that is not on the CPL
    When the manufacturer submits it to the CPL
    Then a SEC Party is refused in the DZIR
    And somebody who is no SEC Party is refused in the DZIR
    When the SEC Panel grants a SEC Party's access to the DZIR
    Then that is refused, because it is not for the SEC Panel to grant
    And a SEC Party is refused in the DZIR
    When the Security Sub-Committee grants access to the DZIR to somebody who is no SEC Party
    Then that is refused, because the DZIR is for SEC Parties only
    When the Security Sub-Committee grants a SEC Party's access to the DZIR
    Then a SEC Party reads the submitted details in the DZIR
    And somebody who is no SEC Party is refused in the DZIR
    When the Security Sub-Committee takes away a SEC Party's access to the DZIR
    Then a SEC Party is refused in the DZIR
