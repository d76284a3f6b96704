@sit
Feature: Somebody else's radio near the premises
  Whoever is in range can listen in, keep what they hear, and send what they like: what was sent before, what they forge
  with the keys that they have, and octets that are no frame at all. Nothing of it gets firmware into a Device or has one
  activated, none of it moves hub or Devices to report anything, and they work on.

  Background:
    Given a dual Supplier premises whose PPMID runs firmware version 00000010
    And somebody with a radio listens in

  @ppmid @subject-ch @subject-ppmid @PPMID-05 @CH-05 @CH-06
  Scenario: All that was on the air during an update of the PPMID comes again
    Given these Devices are on the HAN, and there is new firmware for them:
      | Device    | Version  | KB | Supplier        |
      | the PPMID | 00000020 | 3  | Import Supplier |
      | the PPMID | 00000030 | 2  | Gas Supplier    |
    When the image of version 00000020 is distributed and is through
    And the PPMID is set back to firmware version 00000010 by a local update
    And 10 minutes go by
    And all that was heard until now is sent again
    Then for 2 minutes hub and Devices answer none of it
    And 1 hour later the Import Supplier has got exactly these N39 for the PPMID: "00000020 activated"
    And 0 hours later exactly this has come of each image:
      | Image for        | Transfer response codes | DCC Alerts | Fetched |
      | version 00000020 | 0                       | N61, N62   | all     |
    When the Import Supplier reads the PPMID's firmware version by SRV 11.2
    Then the PPMID answers CS08 with version 00000010, under a MAC that verifies
    When the image of version 00000030 is distributed and is through
    Then 1 hour later the Import Supplier has got exactly these N39 for the PPMID: "00000020 activated, 00000030 activated"

  @hcalcs @subject-hcalcs @HCALCS-02 @HCALCS-04
  Scenario: An Activate Firmware Command comes again over the air, and with it all else that the HCALCS has heard
    Given the premises also has an HCALCS that runs firmware version 00000100
    And the manufacturer has released HCALCS firmware version 00000200 of 2 KB
    When a CS06 Command that is sound comes over the WAN for the HCALCS
    Then the HCALCS answers CS06 with noImageHeld and version 00000100, signed
    When the Import Supplier checks the image against the CPL and sends SRV 11.1 for the HCALCS
    Then the Import Supplier gets N62 for the HCALCS
    When all that was heard until now is sent again
    Then for 2 minutes hub and Devices answer none of it
    When the Import Supplier reads the HCALCS's firmware version by SRV 11.2
    Then the Import Supplier gets the Device's response with version 00000100

  @subject-ppmid @ppmid @PPMID-03 @PPMID-05
  Scenario Outline: Somebody answers in the hub's stead <how> while the PPMID fetches its image
    Given the manufacturer has released PPMID firmware version 00000020 of 8 KB
    When the Import Supplier checks the image against the CPL and sends SRV 11.4 for the PPMID
    And somebody answers 20 Image Block Requests of the PPMID <how> with octets of their own
    Then the PPMID fetches the image from the hub, octet for octet
    And the Import Supplier gets N39 for the PPMID with version 00000020
    And the hub has sent exactly 1 transfer Alert

    Examples:
      | how                       |
      | without security          |
      | under another network key |
      | under the network key alone |
      | under another link key    |
      | as a node of their own    |

  Scenario Outline: Somebody plays the hub for the <Device> <how>, with an image that the manufacturer has signed
    Given these Devices are on the HAN, and there is new firmware for them:
      | Device       | Version  | KB | Supplier |
      | the <Device> | 00000400 | 2  | <sender> |
    When for 26 hours somebody plays the hub for the <Device> <how>, and offers it the image of version 00000400
    Then the <Device> has asked for nothing of the image of version 00000400, nor said that it has it
    When the <sender> reads the <Device>'s firmware version by SRV 11.2
    Then the <sender> gets the Device's response with version <runs>
    When the image for the <Device> is distributed and is through
    Then 1 hour later exactly this has come of each image:
      | Image for    | Transfer response codes | DCC Alerts | Fetched |
      | the <Device> | 0                       | N61, N62   | all     |

    @ppmid @subject-ppmid @PPMID-05
    Examples: a PPMID, which would activate it
      | Device | runs     | sender          | how                         |
      | PPMID  | 00000010 | Import Supplier | without security            |
      | PPMID  | 00000010 | Import Supplier | under another network key   |
      | PPMID  | 00000010 | Import Supplier | under the network key alone |
      | PPMID  | 00000010 | Import Supplier | under another link key      |
      | PPMID  | 00000010 | Import Supplier | as a node of their own      |

    @hcalcs @subject-hcalcs @HCALCS-03
    Examples: an HCALCS, which would hold it
      | Device | runs     | sender          | how                         |
      | HCALCS | 00000100 | Import Supplier | without security            |
      | HCALCS | 00000100 | Import Supplier | under another network key   |
      | HCALCS | 00000100 | Import Supplier | under the network key alone |
      | HCALCS | 00000100 | Import Supplier | under another link key      |
      | HCALCS | 00000100 | Import Supplier | as a node of their own      |

    @esme @METER-01
    Examples: an ESME, which would hold it
      | Device | runs     | sender          | how                         |
      | ESME   | 00000200 | Import Supplier | without security            |
      | ESME   | 00000200 | Import Supplier | under another network key   |
      | ESME   | 00000200 | Import Supplier | under the network key alone |
      | ESME   | 00000200 | Import Supplier | under another link key      |
      | ESME   | 00000200 | Import Supplier | as a node of their own      |

    @gsme @METER-01
    Examples: a GSME, which asks when it wakes
      | Device | runs     | sender       | how                         |
      | GSME   | 00000200 | Gas Supplier | without security            |
      | GSME   | 00000200 | Gas Supplier | under another network key   |
      | GSME   | 00000200 | Gas Supplier | under the network key alone |
      | GSME   | 00000200 | Gas Supplier | under another link key      |
      | GSME   | 00000200 | Gas Supplier | as a node of their own      |

  @ppmid @subject-ppmid @PPMID-01 @PPMID-03
  Scenario: Somebody says first that they are the OTA server, when the PPMID looks for it
    Given the manufacturer has released PPMID firmware version 00000020 of 4 KB
    When the PPMID is reset, and somebody says first that they are its OTA server
    And the Import Supplier checks the image against the CPL and sends SRV 11.4 for the PPMID
    Then the PPMID sends a Query Next Image Request with its manufacturer code, image type and firmware version 00000010
    And the PPMID fetches the image from the hub, octet for octet
    And the Import Supplier gets N39 for the PPMID with version 00000020

  @ppmid @subject-ppmid @PPMID-05
  Scenario Outline: Somebody tells the PPMID <how> to activate while it waits for the hub's word
    Given the manufacturer has released PPMID firmware version 00000020 of 4 KB
    When the Import Supplier checks the image against the CPL and sends SRV 11.4 for the PPMID
    And the PPMID has fetched 100 % of the image
    And the hub is switched off
    And somebody tells the PPMID 5 times <how> to activate the image
    And the hub is switched on again
    Then the PPMID sends an Upgrade End Request with status SUCCESS
    And the hub's Upgrade End Response tells the PPMID to activate now
    And the Import Supplier gets N62 for the PPMID with Device Alert 0x8F8A, transfer response code 0 and version 00000020
    And the Import Supplier gets N39 for the PPMID with version 00000020

    Examples:
      | how                         |
      | without security            |
      | under another network key   |
      | under the network key alone |
      | under another link key      |
      | as a node of their own      |

  @ppmid @subject-ch @CH-06 @CH-09
  Scenario Outline: Somebody tells the hub <how> that the PPMID has <said> an image that it has not asked for yet
    Given these Devices are on the HAN, and there is new firmware for them:
      | Device    | Version  | KB | Supplier        |
      | the PPMID | 00000020 | 2  | Import Supplier |
    When the image of version 00000020 is distributed and waits
    And somebody tells the hub <how> that the PPMID has <said> the image of version 00000020
    And 60 minutes go by
    Then the hub has sent no transfer Alert for the PPMID
    When every Device is switched on again
    Then 2 hours later exactly this has come of each image:
      | Image for        | Transfer response codes | DCC Alerts | Fetched |
      | version 00000020 | 0                       | N61, N62   | all     |

    Examples:
      | how                         | said    |
      | without security            | got     |
      | under another network key   | got     |
      | under the network key alone | got     |
      | under the network key alone | refused |
      | under another link key      | refused |
      | as a node of their own      | refused |

  Scenario Outline: Frames that are none reach the <node> in the middle of a download: <what>
    Given these Devices are on the HAN, and there is new firmware for them:
      | Device       | Version  | KB | Supplier        |
      | the <Device> | 00000400 | 8  | Import Supplier |
    When the image for the <Device> is distributed and is at 10 %
    And somebody sends the <node> 100 frames: <what>
    Then 1 hour later exactly this has come of each image:
      | Image for    | Transfer response codes | DCC Alerts | Fetched |
      | the <Device> | 0                       | N61, N62   | all     |
    When the Import Supplier reads the <Device>'s firmware version by SRV 11.2
    Then the Import Supplier gets the Device's response with version <runs>

    @ppmid @subject-ppmid @PPMID-07
    Examples: the PPMID
      | node  | Device | runs     | what                                                     |
      | PPMID | PPMID  | 00000400 | octets at random                                         |
      | PPMID | PPMID  | 00000400 | cut short                                                |
      | PPMID | PPMID  | 00000400 | damaged                                                  |
      | PPMID | PPMID  | 00000400 | as long as a frame can be                                |
      | PPMID | PPMID  | 00000400 | of kinds that nobody knows                               |
      | PPMID | PPMID  | 00000400 | MAC commands and acknowledgements that nobody waits for  |

    @ppmid @subject-ch @CH-03
    Examples: the hub
      | node  | Device | runs     | what                                                     |
      | hub   | PPMID  | 00000400 | octets at random                                         |
      | hub   | PPMID  | 00000400 | cut short                                                |
      | hub   | PPMID  | 00000400 | damaged                                                  |
      | hub   | PPMID  | 00000400 | as long as a frame can be                                |
      | hub   | PPMID  | 00000400 | of kinds that nobody knows                               |
      | hub   | PPMID  | 00000400 | MAC commands and acknowledgements that nobody waits for  |

    @hcalcs @subject-hcalcs @HCALCS-06
    Examples: the HCALCS
      | node   | Device | runs     | what                                                    |
      | HCALCS | HCALCS | 00000100 | octets at random                                        |
      | HCALCS | HCALCS | 00000100 | cut short                                               |
      | HCALCS | HCALCS | 00000100 | damaged                                                 |
      | HCALCS | HCALCS | 00000100 | as long as a frame can be                               |
      | HCALCS | HCALCS | 00000100 | of kinds that nobody knows                              |
      | HCALCS | HCALCS | 00000100 | MAC commands and acknowledgements that nobody waits for |

    @esme @METER-01
    Examples: the ESME
      | node | Device | runs     | what                                                    |
      | ESME | ESME   | 00000200 | octets at random                                        |
      | ESME | ESME   | 00000200 | cut short                                               |
      | ESME | ESME   | 00000200 | damaged                                                 |
      | ESME | ESME   | 00000200 | as long as a frame can be                               |
      | ESME | ESME   | 00000200 | of kinds that nobody knows                              |
      | ESME | ESME   | 00000200 | MAC commands and acknowledgements that nobody waits for |

  @ppmid @subject-ppmid @PPMID-03
  Scenario Outline: Image Block Responses whose ZCL is <wrong> reach the PPMID in the hub's name
    Given the manufacturer has released PPMID firmware version 00000020 of 8 KB
    When the Import Supplier checks the image against the CPL and sends SRV 11.4 for the PPMID
    And somebody answers 20 Image Block Requests of the PPMID with the right keys and ZCL that is <wrong>
    Then the PPMID fetches the image from the hub, octet for octet
    And the Import Supplier gets N39 for the PPMID with version 00000020

    Examples:
      | wrong               |
      | cut short           |
      | at random           |
      | longer than it says |

  @ppmid @subject-ch @CH-03 @CH-06
  Scenario Outline: Requests whose ZCL is <wrong> reach the hub in the PPMID's name
    Given the PPMID asks for blocks of 48 octets, 500 ms after one another, and says 10 seconds after the last how it ended
    And the manufacturer has released PPMID firmware version 00000020 of 8 KB
    When the Import Supplier checks the image against the CPL and sends SRV 11.4 for the PPMID
    And somebody sends the hub 12 OTA requests in the PPMID's name with the right keys and ZCL that is <wrong>
    Then the PPMID fetches the image from the hub, octet for octet
    And the Import Supplier gets N39 for the PPMID with version 00000020
    And the hub has sent exactly 1 transfer Alert

    Examples:
      | wrong               |
      | cut short           |
      | at random           |
      | longer than it says |

  @ppmid @subject-ppmid @PPMID-05
  Scenario: Somebody with the right keys tells the PPMID to wait with its image
    Given the manufacturer has released PPMID firmware version 00000020 of 4 KB
    When the Import Supplier checks the image against the CPL and sends SRV 11.4 for the PPMID
    And the PPMID has fetched 100 % of the image
    And the hub is switched off
    And somebody tells the PPMID 5 times with the right keys to wait with the image
    And 300 minutes go by
    And the hub is switched on again
    Then the PPMID runs 00000010 until the hub tells it to activate
    And the Import Supplier gets N62 for the PPMID with Device Alert 0x8F8A, transfer response code 0 and version 00000020
    And the Import Supplier gets N39 for the PPMID with version 00000020

  Scenario Outline: Somebody with the right keys tells the <Device> to activate its image at once
    Given the premises also has an <Device> that runs firmware version <runs>
    And the manufacturer has released <Device> firmware version 00000300 of 4 KB
    When the <sender> checks the image against the CPL and sends SRV 11.1 for the <Device>
    And the <Device> has fetched 100 % of the image
    And the hub is switched off
    And somebody tells the <Device> 5 times with the right keys to activate the image
    And 10 minutes go by
    And the hub is switched on again
    And 24 hours pass
    And the <sender> reads the <Device>'s firmware version by SRV 11.2
    Then the <sender> gets the Device's response with version <runs>
    When the <sender> activates the image on the <Device> by SRV 11.3
    Then the <Device> answers CS06 with success and version 00000300, signed

    @hcalcs @subject-hcalcs @HCALCS-02
    Examples: the HCALCS
      | Device | sender          | runs     |
      | HCALCS | Import Supplier | 00000100 |

    @esme @METER-01
    Examples: the ESME
      | Device | sender          | runs     |
      | ESME   | Import Supplier | 00000200 |

    @gsme @METER-01
    Examples: the GSME
      | Device | sender       | runs     |
      | GSME   | Gas Supplier | 00000200 |

  @ppmid @subject-ch @CH-03
  Scenario Outline: While the PPMID fetches its image, the hub is asked in its name for one of another <what>
    Given the PPMID asks for blocks of 48 octets, 2000 ms after one another, and says 10 seconds after the last how it ended
    And these Devices are on the HAN, and there is new firmware for them:
      | Device    | Version  | KB | Supplier        |
      | the PPMID | 00000020 | 4  | Import Supplier |
    When the image for the PPMID is distributed and is at 25 %
    And somebody asks the hub in the PPMID's name with the right keys for an image of another <what>
    Then the hub answers that no image is available
    And 2 hours later exactly this has come of each image:
      | Image for | Transfer response codes | DCC Alerts | Fetched |
      | the PPMID | 0                       | N61, N62   | all     |

    Examples:
      | what         |
      | manufacturer |
      | type         |

  @ppmid @subject-ch @CH-09
  Scenario Outline: The hub is told in the PPMID's name that the transfer has ended with <status>
    Given the PPMID asks for blocks of 48 octets, 2000 ms after one another, and says 10 seconds after the last how it ended
    And these Devices are on the HAN, and there is new firmware for them:
      | Device    | Version  | KB | Supplier        |
      | the PPMID | 00000020 | 4  | Import Supplier |
    When the image for the PPMID is distributed and is at 25 %
    And somebody tells the hub in the PPMID's name with the right keys that the transfer has ended with <status>
    Then 26 hours later exactly this has come of each image:
      | Image for | Transfer response codes | DCC Alerts | Fetched |
      | the PPMID | 3                       | N61, N62   | part    |
    And the hub has not told the PPMID to activate

    Examples:
      | status             |
      | ABORT              |
      | REQUIRE_MORE_IMAGE |
