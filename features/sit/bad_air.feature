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
  Scenario: The Image Notify is lost, and the PPMID asks all the same within a day
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

  @subject-ch @subject-ppmid @CH-05 @PPMID-03
  Scenario: One Image Block Response is lost, and the PPMID asks for that block again and not from the start
    Given the manufacturer has released PPMID firmware version 00000020 of 8 KB
    When the Import Supplier checks the image against the CPL and sends SRV 11.4 for the PPMID
    And the PPMID has fetched 50 % of the image
    And the PPMID misses one Image Block Response
    Then the PPMID asks for the block that it has missed, and not from the start
    And the PPMID fetches the image from the hub, octet for octet
    And the Import Supplier gets N39 for the PPMID with version 00000020

  @subject-ch @CH-05
  Scenario: The hub goes by the offset that it is asked for, and not by what it has sent last
    Given the manufacturer has released PPMID firmware version 00000020 of 8 KB
    When the Import Supplier checks the image against the CPL and sends SRV 11.4 for the PPMID
    And the PPMID has fetched 30 % of the image
    And the PPMID misses one Image Block Response
    Then the hub answers the PPMID with the block that it has missed
    When the PPMID has fetched 60 % of the image
    And the PPMID misses one Image Block Response
    Then the hub answers the PPMID with the block that it has missed
    And the PPMID fetches the image from the hub, octet for octet
    And the Import Supplier gets N39 for the PPMID with version 00000020

  @subject-ppmid @PPMID-03
  Scenario Outline: The PPMID takes no Image Block Response with <wrong> than it has asked for
    Given the manufacturer has released PPMID firmware version 00000020 of 8 KB
    And somebody with a radio listens in
    When the Import Supplier checks the image against the CPL and sends SRV 11.4 for the PPMID
    And 10 Image Block Responses with <wrong> reach the PPMID in the hub's name
    Then the PPMID fetches the image from the hub, octet for octet
    And the PPMID sends an Upgrade End Request with status SUCCESS
    And the Import Supplier gets N39 for the PPMID with version 00000020

    Examples:
      | wrong                   |
      | another sequence number |
      | another offset          |
      | another image           |

  @subject-ch @subject-ppmid @PPMID-03 @CH-05
  Scenario: The hub goes silent partway, and the PPMID goes on when the hub is back
    Given the manufacturer has released PPMID firmware version 00000020 of 8 KB
    When the Import Supplier checks the image against the CPL and sends SRV 11.4 for the PPMID
    And the PPMID has fetched 50 % of the image
    And the hub is out of range
    And 40 minutes go by
    And the hub is in range again
    Then the PPMID fetches the image from the hub, octet for octet
    And the PPMID has asked for each block in order, and again only for one that it had not got, or from the start after the silence
    And the Import Supplier gets N39 for the PPMID with version 00000020
    And the hub has sent exactly 1 transfer Alert

  @subject-ch @subject-ppmid @CH-05 @CH-15 @PPMID-06
  Scenario: Every frame comes twice
    Given the manufacturer has released PPMID firmware version 00000020 of 4 KB
    And somebody with a radio listens in
    When the Import Supplier checks the image against the CPL and sends SRV 11.4 for the PPMID
    And every frame comes a second time until the PPMID has its image
    Then the hub has answered no Image Block Request of the PPMID more than once
    And the PPMID fetches the image from the hub, octet for octet
    And the Import Supplier gets N39 for the PPMID with version 00000020
    And after an hour of quiet the Suppliers have got exactly these DCC Alerts:
      | Supplier        | DCC Alerts    |
      | Import Supplier | N61, N62, N39 |
      | Gas Supplier    | N59, N39      |
    And the hub has sent exactly 1 transfer Alert

  @subject-ch @subject-ppmid @esme @CH-05 @PPMID-03
  Scenario: A PPMID and an ESME that do not hear each other fetch their images at the same time
    Given these Devices are on the HAN, and there is new firmware for them:
      | Device    | Version  | KB | Supplier        |
      | the PPMID | 00000020 | 40 | Import Supplier |
      | the ESME  | 00000300 | 80 | Import Supplier |
    When the PPMID and the ESME do not hear each other
    And the image for the ESME is distributed and is at 1 %
    And the image for the PPMID is distributed and is through
    And 180 minutes go by
    Then within 1 minute the hub has sent exactly the transfer response code 0 for the PPMID
    And within 1 minute the hub has sent exactly the transfer response code 0 for the ESME
    And 0 hours later the Import Supplier has got exactly these N39 for the PPMID: "00000020 activated"
