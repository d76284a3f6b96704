@sit @subject-cpl
Feature: What has to be in a submission to the Central Products List
  Whoever makes an image submits the CPL entry for it, signed, with the details for the Firmware Information Repository and
  the Device Zigbee Information Repository. The three lists change together, or not at all.

  @CPL-01 @CPL-02 @CPL-03 @FIR-01 @FIR-03 @DZIR-01
  Scenario Outline: A sound submission for <a Device type> is published in all three lists
    Given the manufacturer has made <a Device type> firmware that is not on the CPL
    When the manufacturer submits it to the CPL
    Then CPL, FIR and DZIR have the submitted details under one number

    Examples:
      | a Device type |
      | ESME          |
      | GSME          |
      | PPMID         |
      | HCALCS        |
      | SAPC          |
      | CHF           |
      | SMETS1 CH     |

  @CPL-01
  Scenario Outline: An entry without <a detail> is refused
    Given the manufacturer has made HCALCS firmware that is not on the CPL
    But the submission lacks the <a detail> of the entry
    When the manufacturer submits it to the CPL
    Then the submission is refused, because the <what> is missing, and CPL, FIR and DZIR stay as they were

    Examples:
      | a detail           | what                                              |
      | manufacturer       | manufacturer                                      |
      | model              | model                                             |
      | SMETS version      | SMETS or CHTS version                             |
      | GBCS version       | GBCS version                                      |
      | creator            | creator of the Manufacturer Image                 |
      | descriptor         | descriptor of the Manufacturer Image              |
      | certificate number | identification number of an Assurance Certificate |

  @CPL-02
  Scenario Outline: A submission is refused when <the signature is wrong>
    Given the manufacturer has made PPMID firmware that is not on the CPL
    But <the signature is wrong>
    When the manufacturer submits it to the CPL
    Then the submission is refused, because <why>, and CPL, FIR and DZIR stay as they were

    Examples:
      | the signature is wrong                                | why                                |
      | the submission is signed with another key             | the signature is not the creator's |
      | the submission is changed after it was signed         | the signature is not the creator's |
      | the submission names a creator whose key nobody knows | nobody knows the creator's key     |

  @CPL-03
  Scenario Outline: An HCALCS entry is refused when <its CPA certificate is wrong>
    Given the manufacturer has made HCALCS firmware that is not on the CPL
    But <its CPA certificate is wrong>
    When the manufacturer submits it to the CPL
    Then the submission is refused, because <why>, and CPL, FIR and DZIR stay as they were

    Examples:
      | its CPA certificate is wrong                        | why                                            |
      | the submission has no CPA certificate               | no CPA certificate covers the firmware version |
      | the CPA certificate covers another firmware version | no CPA certificate covers the firmware version |
      | the last day of the CPA certificate was yesterday   | the CPA certificate has expired                |

  @CPL-03
  Scenario: A CPA certificate is good on its last day
    Given the manufacturer has made HCALCS firmware that is not on the CPL
    And the last day of the CPA certificate is today
    When the manufacturer submits it to the CPL
    Then CPL, FIR and DZIR have the submitted details under one number

  @CPL-04
  Scenario Outline: Firmware that communicates in another way over ZigBee is refused with <certificate>
    Given the manufacturer has made PPMID firmware that is not on the CPL
    But the firmware changes how the Device communicates over ZigBee, and the submission has <certificate>
    When the manufacturer submits it to the CPL
    Then the submission is refused, because it needs a new ZigBee certificate, and CPL, FIR and DZIR stay as they were

    Examples:
      | certificate                                |
      | no ZigBee certificate                      |
      | the ZigBee certificate of an earlier entry |

  @CPL-04
  Scenario: Firmware that communicates in another way over ZigBee is taken with a new certificate
    Given the manufacturer has made PPMID firmware that is not on the CPL
    And the firmware changes how the Device communicates over ZigBee, and the submission has a new ZigBee certificate
    When the manufacturer submits it to the CPL
    Then CPL, FIR and DZIR have the submitted details under one number
