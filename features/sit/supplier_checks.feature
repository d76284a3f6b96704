@sit @ppmid
Feature: A Supplier checks an image before it sends it
  Before SRV 11.4 the Supplier checks what the manufacturer has handed over, and that the image is one that the CPL
  lists. What fails a check is not sent.

  Background:
    Given a dual Supplier premises whose PPMID runs firmware version 00000010

  @SUP-04 @CPL-05
  Scenario: A Supplier does not send an image whose Hash is not on the CPL
    Given the manufacturer has released PPMID firmware version 00000020 of 16 KB
    But its Hash is not on the CPL
    When the Import Supplier checks the image against the CPL
    Then the Import Supplier does not send it, because no CPL entry has its Hash

  @SUP-04 @CPL-05
  Scenario: A Supplier does not send an image whose CPL entry has been removed
    Given the manufacturer has released PPMID firmware version 00000020 of 16 KB
    But its CPL entry has been removed
    When the Import Supplier checks the image against the CPL
    Then the Import Supplier does not send it, because no CPL entry has its Hash

  @SUP-02
  Scenario: A Supplier does not send an image whose creator's signature is wrong
    Given the manufacturer has released PPMID firmware version 00000020 of 16 KB
    But the creator's signature over it is wrong
    When the Import Supplier checks the image against the CPL
    Then the Import Supplier does not send it, because the creator's signature is wrong

  @SUP-03
  Scenario: A Supplier does not send an image that has not the Hash that came with it
    Given the manufacturer has released PPMID firmware version 00000020 of 16 KB
    But the Hash that comes with it is another
    When the Import Supplier checks the image against the CPL
    Then the Import Supplier does not send it, because its Hash is not the one provided

  @SUP-01
  Scenario Outline: A Supplier does not send an image that comes without <what>
    Given the manufacturer has released PPMID firmware version 00000020 of 16 KB
    But <what> is missing
    When the Import Supplier checks the image against the CPL
    Then the Import Supplier does not send it, because <what> is missing

    Examples:
      | what                        |
      | the creator's signature     |
      | the Hash that comes with it |

  @SUP-04
  Scenario Outline: A Supplier does not send an image whose CPL entry names another <what> than its OTA Header
    Given the manufacturer has released PPMID firmware version 00000020 of 16 KB
    But its CPL entry names another <what>
    When the Import Supplier checks the image against the CPL
    Then the Import Supplier does not send it, because no CPL entry with its Hash agrees with its OTA Header

    Examples:
      | what             |
      | manufacturer     |
      | model            |
      | firmware version |

  @SUP-04
  Scenario Outline: A Supplier does not send an image whose CPL entry is for a hardware version <out of range>
    Given the manufacturer has released PPMID firmware version 00000020 of 16 KB
    But its CPL entry is for a hardware version that is <out of range> of the image
    When the Import Supplier checks the image against the CPL
    Then the Import Supplier does not send it, because no CPL entry's hardware version is in the range of the image

    Examples:
      | out of range      |
      | above the maximum |
      | below the minimum |

  @SUP-04
  Scenario Outline: A Supplier sends an image whose CPL entry is for <in range> hardware version
    Given the manufacturer has released PPMID firmware version 00000020 of 16 KB
    And its CPL entry is for a hardware version that is <in range> of the image
    When the Import Supplier checks the image against the CPL
    Then the Import Supplier sends SRV 11.4 for the PPMID

    Examples:
      | in range    |
      | the minimum |
      | the maximum |
