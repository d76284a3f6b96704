@sit @ppmid
Feature: An update over an air that loses frames
  Hub and PPMID repeat what was not answered, and each goes by what the other has asked for and not by what it has said
  last. An update takes longer then, and ends as ever.

  Background:
    Given a dual Supplier premises whose PPMID runs firmware version 00000010

  @subject-ch @subject-ppmid @CH-03 @CH-05 @CH-06 @PPMID-03 @PPMID-06
  Scenario Outline: The air loses <percent> % of all frames
    Given the manufacturer has released PPMID firmware version 00000020 of 8 KB
    And the air loses <percent> % of all frames
    When the Import Supplier checks the image against the CPL and sends SRV 11.4 for the PPMID
    Then the PPMID fetches the image from the hub, octet for octet
    And the PPMID has asked for each block in order, and again only for one that it had not got
    And the Import Supplier gets N39 for the PPMID with version 00000020
    And after an hour of quiet the Suppliers have got exactly these DCC Alerts:
      | Supplier        | DCC Alerts    |
      | Import Supplier | N61, N62, N39 |
      | Gas Supplier    | N59, N39      |
    And the hub has sent exactly 1 transfer Alert

    Examples:
      | percent |
      | 1       |
      | 10      |
      | 30      |

  @subject-ppmid @PPMID-02
  Scenario: The PPMID hears no Image Notify
    Given the manufacturer has released PPMID firmware version 00000020 of 8 KB
    And the hub repeats an Image Notify that was in vain after 100 hours
    When the PPMID is out of range
    And the Import Supplier checks the image against the CPL and sends SRV 11.4 for the PPMID
    Then the Import Supplier gets N61 for the PPMID
    When 60 minutes go by
    And the PPMID is in range again
    Then within 25 hours the PPMID asks again with firmware version 00000010
    And the hub offers firmware version 00000020 to the PPMID
    And the PPMID fetches the image from the hub, octet for octet
    And the Import Supplier gets N39 for the PPMID with version 00000020

  @subject-ch @subject-ppmid @CH-20 @PPMID-08
  Scenario: The PPMID is out of range in the middle of the download
    Given the manufacturer has released PPMID firmware version 00000020 of 8 KB
    When the Import Supplier checks the image against the CPL and sends SRV 11.4 for the PPMID
    And the PPMID has fetched 50 % of the image
    And the PPMID is out of range
    And 90 minutes go by
    And the PPMID is in range again
    Then the PPMID fetches the image from the hub, octet for octet
    And the Import Supplier gets N39 for the PPMID with version 00000020
    And the hub has sent exactly 1 transfer Alert
