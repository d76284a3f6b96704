@sit
Feature: What makers declare of their Devices, and what the Devices do
  Where the specifications leave a choice, a maker declares what its Device does (its PICS). Scenarios go by that: some are
  for Devices of one kind only. So the declaration itself is put to the test, and no scenario here depends on it: what is
  claimed and lacking is a failure, and so is what is there and not claimed.

  Background:
    Given a dual Supplier premises whose PPMID runs firmware version 00000010

  @ppmid @ppmid-of-any-age @subject-ppmid @PPMID-01 @PPMID-02 @PPMID-03 @PPMID-07
  Scenario: The PPMID does what its maker declares, and nothing else
    Given these Devices are on the HAN, and there is new firmware for them:
      | Device    | Version  | KB | Supplier        |
      | the PPMID | 00000020 | 2  | Import Supplier |
    When the Import Supplier reads the PPMID's firmware version by SRV 11.2
    Then the PPMID answers CS08 if its maker declares that it can, and not otherwise
    When the image for the PPMID is distributed and is through
    And 4 days go by
    Then the PPMID gives its hardware version when it asks if its maker declares so, and not otherwise
    And the PPMID asks for blocks of the size that its maker declares
    And the PPMID asks by Image Page Request if its maker declares so, and not otherwise
    And the PPMID says how a transfer ended as long after its last block as its maker declares
    And the PPMID asks unprompted as often as its maker declares

  @ppmid @subject-ppmid @PPMID-12
  Scenario: A PPMID of which its maker declares that it knows no CS08 does not answer it
    Given the PPMID was installed with firmware from before CS08 and CS09
    When the Import Supplier reads the PPMID's firmware version by SRV 11.2
    Then the PPMID answers CS08 if its maker declares that it can, and not otherwise

  @ppmid @subject-ppmid @PPMID-01
  Scenario: A PPMID of which its maker declares that it sends no hardware version does not
    Given the PPMID sends no hardware version
    And these Devices are on the HAN, and there is new firmware for them:
      | Device    | Version  | KB | Supplier        |
      | the PPMID | 00000020 | 2  | Import Supplier |
    When the image for the PPMID is distributed and is through
    Then the PPMID gives its hardware version when it asks if its maker declares so, and not otherwise

  Scenario Outline: A Device asks by Image Page Request first, which the hub need not know: <Device>
    Given these Devices are on the HAN, and there is new firmware for them:
      | Device       | Version  | KB | Supplier   |
      | the <Device> | 00000400 | 4  | <Supplier> |
    And the <Device> asks by Image Page Request first
    When the image for the <Device> is distributed and is through
    Then the <Device> asks by Image Page Request if its maker declares so, and not otherwise
    And 1 hour later exactly this has come of each image:
      | Image for    | Transfer response codes | DCC Alerts | Fetched |
      | the <Device> | 0                       | N61, N62   | all     |

    @ppmid @subject-ch @subject-ppmid @CH-05 @PPMID-03
    Examples:
      | Device | Supplier        |
      | PPMID  | Import Supplier |

    @hcalcs @subject-ch @subject-hcalcs @CH-05 @HCALCS-01
    Examples:
      | Device | Supplier        |
      | HCALCS | Import Supplier |

    @subject-ch @CH-05 @METER-01
    Examples:
      | Device | Supplier        |
      | ESME   | Import Supplier |
      | GSME   | Gas Supplier    |

  @ppmid @subject-ch @CH-05
  Scenario Outline: A PPMID with a pace of its own: blocks of <octets> octets, <pause> ms apart, <end> seconds to verify
    Given the PPMID asks for blocks of <octets> octets, <pause> ms after one another, and says <end> seconds after the last how it ended
    And these Devices are on the HAN, and there is new firmware for them:
      | Device    | Version  | KB | Supplier        |
      | the PPMID | 00000020 | 4  | Import Supplier |
    When the image for the PPMID is distributed and is through
    Then the PPMID asks for blocks of the size that its maker declares
    And the PPMID says how a transfer ended as long after its last block as its maker declares
    And the hub has sent no block larger than the PPMID asked for
    And 1 hour later exactly this has come of each image:
      | Image for | Transfer response codes | DCC Alerts | Fetched |
      | the PPMID | 0                       | N61, N62   | all     |

    Examples:
      | octets | pause | end  |
      | 7      | 0     | 0    |
      | 33     | 250   | 60   |
      | 50     | 10000 | 0    |
      | 50     | 0     | 3600 |

  Scenario Outline: The <Device> does what its maker declares, and nothing else
    Given these Devices are on the HAN, and there is new firmware for them:
      | Device       | Version  | KB | Supplier   |
      | the <Device> | 00000400 | 2  | <Supplier> |
    When the image for the <Device> is distributed and is through
    And 4 days go by
    Then the <Device> gives its hardware version when it asks if its maker declares so, and not otherwise
    And the <Device> asks for blocks of the size that its maker declares
    And the <Device> asks by Image Page Request if its maker declares so, and not otherwise
    And the <Device> says how a transfer ended as long after its last block as its maker declares
    And the <Device> asks unprompted as often as its maker declares

    @hcalcs @subject-hcalcs @HCALCS-01
    Examples:
      | Device | Supplier        |
      | HCALCS | Import Supplier |

    @METER-01
    Examples:
      | Device | Supplier        |
      | ESME   | Import Supplier |
      | GSME   | Gas Supplier    |

  @hcalcs @subject-ch @subject-hcalcs @CH-05 @HCALCS-01
  Scenario Outline: An HCALCS with a pace of its own: blocks of <octets> octets, <pause> ms apart, <end> seconds to verify
    Given the premises also has an HCALCS that runs firmware version 00000100
    And the HCALCS asks for blocks of <octets> octets, <pause> ms after one another, and says <end> seconds after the last how it ended
    And these Devices are on the HAN, and there is new firmware for them:
      | Device     | Version  | KB | Supplier        |
      | the HCALCS | 00000200 | 4  | Import Supplier |
    When the image for the HCALCS is distributed and is through
    Then the HCALCS asks for blocks of the size that its maker declares
    And the HCALCS says how a transfer ended as long after its last block as its maker declares
    And the HCALCS tells of the image that it has got by an Alert if its maker declares so, and not otherwise
    And 1 hour later exactly this has come of each image:
      | Image for  | Transfer response codes | DCC Alerts | Fetched |
      | the HCALCS | 0                       | N61, N62   | all     |

    Examples:
      | octets | pause | end  |
      | 48     | 0     | 0    |
      | 16     | 100   | 120  |
      | 50     | 3000  | 3600 |
