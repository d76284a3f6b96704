@sit
Feature: The hub's two blocks, and which image gives way to which
  The hub holds two images: the ESME block is for ESMEs alone, the GSME block for GSME, PPMID and HCALCS. An image for a
  GSME overwrites one for a PPMID or an HCALCS at any point, and so does a newer one for a PPMID or an HCALCS. An image
  for a GSME is kept from them. Who sent an image that is lost or refused hears of it, once for each Device, and nobody
  else does. An image "stands at" so many per cent when its Device has been switched off with so much of it: the hub must
  take that for a download that is running. Mirrors the negative SIT scripts of FIA 6.2.1 'N62: Firmware image
  rejected/overwritten at Comms Hub', block by block.

  Background:
    Given a dual Supplier premises whose PPMID runs firmware version 00000010

  @subject-ch
  Scenario Outline: In the GSME block an image for the <held> <stage>, and one for the <arrives> arrives
    Given these Devices are on the HAN, and there is new firmware for them:
      | Device               | Version  | KB | Supplier        |
      | the ESME             | 00000300 | 2  | Import Supplier |
      | the <held>           | 00000400 | 6  | <held's>        |
      | the second <arrives> | 00000500 | 2  | <arriving's>    |
    When the image for the ESME is distributed and waits
    And the image for the <held> is distributed and <stage>
    And the image for the second <arrives> is distributed
    Then the hub <answer> the image for the second <arrives>
    When 60 minutes go by
    And every Device is switched on again
    Then 3 hours later exactly this has come of each image:
      | Image for            | Transfer response codes | DCC Alerts   | Fetched        |
      | the ESME             | 0                       | N61, N62     | all            |
      | the <held>           | <code>                  | N61, N62     | <held fetched> |
      | the second <arrives> | <its code>              | <its Alerts> | <its fetched>  |

    @CH-01 @CH-10 @METER-02 @ALERT-N62-DISCARDED
    Examples: an image for a GSME overwrites one for a PPMID or an HCALCS at any point
      | held   | held's          | stage          | arrives | arriving's   | answer | code | held fetched | its code | its Alerts | its fetched |
      | PPMID  | Import Supplier | waits          | GSME    | Gas Supplier | takes  | 1    | none         | 0        | N61, N62   | all         |
      | PPMID  | Import Supplier | stands at 1 %  | GSME    | Gas Supplier | takes  | 1    | part         | 0        | N61, N62   | all         |
      | PPMID  | Import Supplier | stands at 50 % | GSME    | Gas Supplier | takes  | 1    | part         | 0        | N61, N62   | all         |
      | PPMID  | Import Supplier | stands at 99 % | GSME    | Gas Supplier | takes  | 1    | part         | 0        | N61, N62   | all         |
      | PPMID  | Import Supplier | is through     | GSME    | Gas Supplier | takes  | 0    | all          | 0        | N61, N62   | all         |
      | HCALCS | Import Supplier | waits          | GSME    | Gas Supplier | takes  | 1    | none         | 0        | N61, N62   | all         |
      | HCALCS | Import Supplier | stands at 1 %  | GSME    | Gas Supplier | takes  | 1    | part         | 0        | N61, N62   | all         |
      | HCALCS | Import Supplier | stands at 50 % | GSME    | Gas Supplier | takes  | 1    | part         | 0        | N61, N62   | all         |
      | HCALCS | Import Supplier | stands at 99 % | GSME    | Gas Supplier | takes  | 1    | part         | 0        | N61, N62   | all         |
      | HCALCS | Import Supplier | is through     | GSME    | Gas Supplier | takes  | 0    | all          | 0        | N61, N62   | all         |

    @CH-01 @CH-11 @METER-02 @ALERT-N62-DISCARDED
    Examples: so does a newer one for a PPMID or an HCALCS
      | held   | held's          | stage          | arrives | arriving's      | answer | code | held fetched | its code | its Alerts | its fetched |
      | PPMID  | Import Supplier | waits          | PPMID   | Gas Supplier    | takes  | 1    | none         | 0        | N61, N62   | all         |
      | PPMID  | Import Supplier | stands at 1 %  | PPMID   | Gas Supplier    | takes  | 1    | part         | 0        | N61, N62   | all         |
      | PPMID  | Import Supplier | stands at 50 % | PPMID   | Gas Supplier    | takes  | 1    | part         | 0        | N61, N62   | all         |
      | PPMID  | Import Supplier | stands at 99 % | PPMID   | Gas Supplier    | takes  | 1    | part         | 0        | N61, N62   | all         |
      | PPMID  | Import Supplier | is through     | PPMID   | Gas Supplier    | takes  | 0    | all          | 0        | N61, N62   | all         |
      | PPMID  | Gas Supplier    | waits          | HCALCS  | Import Supplier | takes  | 1    | none         | 0        | N61, N62   | all         |
      | PPMID  | Gas Supplier    | stands at 1 %  | HCALCS  | Import Supplier | takes  | 1    | part         | 0        | N61, N62   | all         |
      | PPMID  | Gas Supplier    | stands at 50 % | HCALCS  | Import Supplier | takes  | 1    | part         | 0        | N61, N62   | all         |
      | PPMID  | Gas Supplier    | stands at 99 % | HCALCS  | Import Supplier | takes  | 1    | part         | 0        | N61, N62   | all         |
      | PPMID  | Gas Supplier    | is through     | HCALCS  | Import Supplier | takes  | 0    | all          | 0        | N61, N62   | all         |
      | HCALCS | Import Supplier | waits          | PPMID   | Gas Supplier    | takes  | 1    | none         | 0        | N61, N62   | all         |
      | HCALCS | Import Supplier | stands at 1 %  | PPMID   | Gas Supplier    | takes  | 1    | part         | 0        | N61, N62   | all         |
      | HCALCS | Import Supplier | stands at 50 % | PPMID   | Gas Supplier    | takes  | 1    | part         | 0        | N61, N62   | all         |
      | HCALCS | Import Supplier | stands at 99 % | PPMID   | Gas Supplier    | takes  | 1    | part         | 0        | N61, N62   | all         |
      | HCALCS | Import Supplier | is through     | PPMID   | Gas Supplier    | takes  | 0    | all          | 0        | N61, N62   | all         |
      | HCALCS | Import Supplier | waits          | HCALCS  | Import Supplier | takes  | 1    | none         | 0        | N61, N62   | all         |
      | HCALCS | Import Supplier | stands at 1 %  | HCALCS  | Import Supplier | takes  | 1    | part         | 0        | N61, N62   | all         |
      | HCALCS | Import Supplier | stands at 50 % | HCALCS  | Import Supplier | takes  | 1    | part         | 0        | N61, N62   | all         |
      | HCALCS | Import Supplier | stands at 99 % | HCALCS  | Import Supplier | takes  | 1    | part         | 0        | N61, N62   | all         |
      | HCALCS | Import Supplier | is through     | HCALCS  | Import Supplier | takes  | 0    | all          | 0        | N61, N62   | all         |

    @CH-12 @ALERT-N60 @DSP-25
    Examples: an image for a GSME is kept from them
      | held | held's       | stage          | arrives | arriving's      | answer  | code | held fetched | its code | its Alerts | its fetched |
      | GSME | Gas Supplier | waits          | PPMID   | Import Supplier | refuses | 0    | all          | 1        | N60, N62   | none        |
      | GSME | Gas Supplier | stands at 1 %  | PPMID   | Import Supplier | refuses | 0    | all          | 1        | N60, N62   | none        |
      | GSME | Gas Supplier | stands at 50 % | PPMID   | Import Supplier | refuses | 0    | all          | 1        | N60, N62   | none        |
      | GSME | Gas Supplier | stands at 99 % | PPMID   | Import Supplier | refuses | 0    | all          | 1        | N60, N62   | none        |
      | GSME | Gas Supplier | is through     | PPMID   | Import Supplier | takes   | 0    | all          | 0        | N61, N62   | all         |
      | GSME | Gas Supplier | waits          | HCALCS  | Import Supplier | refuses | 0    | all          | 1        | N60, N62   | none        |
      | GSME | Gas Supplier | stands at 1 %  | HCALCS  | Import Supplier | refuses | 0    | all          | 1        | N60, N62   | none        |
      | GSME | Gas Supplier | stands at 50 % | HCALCS  | Import Supplier | refuses | 0    | all          | 1        | N60, N62   | none        |
      | GSME | Gas Supplier | stands at 99 % | HCALCS  | Import Supplier | refuses | 0    | all          | 1        | N60, N62   | none        |
      | GSME | Gas Supplier | is through     | HCALCS  | Import Supplier | takes   | 0    | all          | 0        | N61, N62   | all         |

    @METER-03 @CH-15
    Examples: one for a GSME gives way to a newer one
      | held | held's       | stage          | arrives | arriving's   | answer | code | held fetched | its code | its Alerts | its fetched |
      | GSME | Gas Supplier | waits          | GSME    | Gas Supplier | takes  | 1    | none         | 0        | N61, N62   | all         |
      | GSME | Gas Supplier | stands at 1 %  | GSME    | Gas Supplier | takes  | 1    | part         | 0        | N61, N62   | all         |
      | GSME | Gas Supplier | stands at 50 % | GSME    | Gas Supplier | takes  | 1    | part         | 0        | N61, N62   | all         |
      | GSME | Gas Supplier | stands at 99 % | GSME    | Gas Supplier | takes  | 1    | part         | 0        | N61, N62   | all         |
      | GSME | Gas Supplier | is through     | GSME    | Gas Supplier | takes  | 0    | all          | 0        | N61, N62   | all         |

  @subject-ch
  Scenario Outline: While the <held> fetches its image, one for the <arrives> arrives
    Given these Devices are on the HAN, and there is new firmware for them:
      | Device               | Version  | KB  | Supplier     |
      | the <held>           | 00000400 | 200 | <held's>     |
      | the second <arrives> | 00000500 | 2   | <arriving's> |
    When the image for the <held> is distributed and is at 1 %
    And the image for the second <arrives> is distributed
    Then the hub <answer> the image for the second <arrives>
    And 8 hours later exactly this has come of each image:
      | Image for            | Transfer response codes | DCC Alerts   | Fetched        |
      | the <held>           | <code>                  | N61, N62     | <held fetched> |
      | the second <arrives> | <its code>              | <its Alerts> | <its fetched>  |

    @CH-10
    Examples:
      | held  | held's       | arrives | arriving's   | answer | code | held fetched | its code | its Alerts | its fetched |
      | PPMID | Gas Supplier | GSME    | Gas Supplier | takes  | 1    | part         | 0        | N61, N62   | all         |

    @CH-11
    Examples:
      | held   | held's          | arrives | arriving's   | answer | code | held fetched | its code | its Alerts | its fetched |
      | HCALCS | Import Supplier | PPMID   | Gas Supplier | takes  | 1    | part         | 0        | N61, N62   | all         |

    @CH-12
    Examples:
      | held | held's       | arrives | arriving's      | answer  | code | held fetched | its code | its Alerts | its fetched |
      | GSME | Gas Supplier | PPMID   | Import Supplier | refuses | 0    | all          | 1        | N60, N62   | none        |

  @subject-ch
  Scenario Outline: Beside an image for the <held> that <stage>, one for the <arrives> arrives
    Given these Devices are on the HAN, and there is new firmware for them:
      | Device               | Version  | KB | Supplier        |
      | the <held>           | 00000400 | 6  | <held's>        |
      | the second <arrives> | 00000500 | 2  | <arriving's>    |
    When the image for the <held> is distributed and <stage>
    And the image for the second <arrives> is distributed
    Then the hub <answer> the image for the second <arrives>
    When 60 minutes go by
    And every Device is switched on again
    Then 3 hours later exactly this has come of each image:
      | Image for            | Transfer response codes | DCC Alerts   | Fetched        |
      | the <held>           | <code>                  | N61, N62     | <held fetched> |
      | the second <arrives> | <its code>              | <its Alerts> | <its fetched>  |

    @CH-01 @METER-02
    Examples: an image for an ESME is untouched
      | held | held's          | stage          | arrives | arriving's      | answer | code | held fetched | its code | its Alerts | its fetched |
      | ESME | Import Supplier | waits          | GSME    | Gas Supplier    | takes  | 0    | all          | 0        | N61, N62   | all         |
      | ESME | Import Supplier | stands at 1 %  | GSME    | Gas Supplier    | takes  | 0    | all          | 0        | N61, N62   | all         |
      | ESME | Import Supplier | stands at 50 % | GSME    | Gas Supplier    | takes  | 0    | all          | 0        | N61, N62   | all         |
      | ESME | Import Supplier | stands at 99 % | GSME    | Gas Supplier    | takes  | 0    | all          | 0        | N61, N62   | all         |
      | ESME | Import Supplier | is through     | GSME    | Gas Supplier    | takes  | 0    | all          | 0        | N61, N62   | all         |
      | ESME | Import Supplier | waits          | PPMID   | Gas Supplier    | takes  | 0    | all          | 0        | N61, N62   | all         |
      | ESME | Import Supplier | stands at 1 %  | PPMID   | Gas Supplier    | takes  | 0    | all          | 0        | N61, N62   | all         |
      | ESME | Import Supplier | stands at 50 % | PPMID   | Gas Supplier    | takes  | 0    | all          | 0        | N61, N62   | all         |
      | ESME | Import Supplier | stands at 99 % | PPMID   | Gas Supplier    | takes  | 0    | all          | 0        | N61, N62   | all         |
      | ESME | Import Supplier | is through     | PPMID   | Gas Supplier    | takes  | 0    | all          | 0        | N61, N62   | all         |
      | ESME | Import Supplier | waits          | HCALCS  | Import Supplier | takes  | 0    | all          | 0        | N61, N62   | all         |
      | ESME | Import Supplier | stands at 1 %  | HCALCS  | Import Supplier | takes  | 0    | all          | 0        | N61, N62   | all         |
      | ESME | Import Supplier | stands at 50 % | HCALCS  | Import Supplier | takes  | 0    | all          | 0        | N61, N62   | all         |
      | ESME | Import Supplier | stands at 99 % | HCALCS  | Import Supplier | takes  | 0    | all          | 0        | N61, N62   | all         |
      | ESME | Import Supplier | is through     | HCALCS  | Import Supplier | takes  | 0    | all          | 0        | N61, N62   | all         |

    @CH-01
    Examples: an image for an ESME touches none
      | held   | held's          | stage          | arrives | arriving's      | answer | code | held fetched | its code | its Alerts | its fetched |
      | GSME   | Gas Supplier    | waits          | ESME    | Import Supplier | takes  | 0    | all          | 0        | N61, N62   | all         |
      | GSME   | Gas Supplier    | stands at 1 %  | ESME    | Import Supplier | takes  | 0    | all          | 0        | N61, N62   | all         |
      | GSME   | Gas Supplier    | stands at 50 % | ESME    | Import Supplier | takes  | 0    | all          | 0        | N61, N62   | all         |
      | GSME   | Gas Supplier    | stands at 99 % | ESME    | Import Supplier | takes  | 0    | all          | 0        | N61, N62   | all         |
      | GSME   | Gas Supplier    | is through     | ESME    | Import Supplier | takes  | 0    | all          | 0        | N61, N62   | all         |
      | PPMID  | Gas Supplier    | waits          | ESME    | Import Supplier | takes  | 0    | all          | 0        | N61, N62   | all         |
      | PPMID  | Gas Supplier    | stands at 1 %  | ESME    | Import Supplier | takes  | 0    | all          | 0        | N61, N62   | all         |
      | PPMID  | Gas Supplier    | stands at 50 % | ESME    | Import Supplier | takes  | 0    | all          | 0        | N61, N62   | all         |
      | PPMID  | Gas Supplier    | stands at 99 % | ESME    | Import Supplier | takes  | 0    | all          | 0        | N61, N62   | all         |
      | PPMID  | Gas Supplier    | is through     | ESME    | Import Supplier | takes  | 0    | all          | 0        | N61, N62   | all         |
      | HCALCS | Import Supplier | waits          | ESME    | Import Supplier | takes  | 0    | all          | 0        | N61, N62   | all         |
      | HCALCS | Import Supplier | stands at 1 %  | ESME    | Import Supplier | takes  | 0    | all          | 0        | N61, N62   | all         |
      | HCALCS | Import Supplier | stands at 50 % | ESME    | Import Supplier | takes  | 0    | all          | 0        | N61, N62   | all         |
      | HCALCS | Import Supplier | stands at 99 % | ESME    | Import Supplier | takes  | 0    | all          | 0        | N61, N62   | all         |
      | HCALCS | Import Supplier | is through     | ESME    | Import Supplier | takes  | 0    | all          | 0        | N61, N62   | all         |

    @CH-17 @METER-03 @ALERT-N60
    Examples: the ESME block is not overwritten before every download from it is complete
      | held | held's          | stage          | arrives | arriving's      | answer  | code | held fetched | its code | its Alerts | its fetched |
      | ESME | Import Supplier | waits          | ESME    | Import Supplier | takes   | 1    | none         | 0        | N61, N62   | all         |
      | ESME | Import Supplier | stands at 1 %  | ESME    | Import Supplier | refuses | 0    | all          | 1        | N60, N62   | none        |
      | ESME | Import Supplier | stands at 50 % | ESME    | Import Supplier | refuses | 0    | all          | 1        | N60, N62   | none        |
      | ESME | Import Supplier | stands at 99 % | ESME    | Import Supplier | refuses | 0    | all          | 1        | N60, N62   | none        |
      | ESME | Import Supplier | is through     | ESME    | Import Supplier | takes   | 0    | all          | 0        | N61, N62   | all         |

  @subject-ch @CH-15
  Scenario Outline: An image for two PPMIDs <held>, and one for the <arrives> overwrites it
    Given these Devices are on the HAN, and there is new firmware for them:
      | Device        | Version  | KB | Supplier        |
      | the PPMID     | 00000020 | 2  | Import Supplier |
      | the <arrives> | 00000300 | 2  | <arriving's>    |
    And a second PPMID of the same model is on the HAN
    When the <first off> is switched off
    And the second PPMID is switched off
    And the image for the PPMID is distributed to every Device of its type
    And 300 minutes go by
    And the image for the <arrives> is distributed
    Then the hub takes the image for the <arrives>
    And within 5 minutes exactly this has come of the image for the PPMID, Device by Device:
      | Device           | Transfer response codes | Fetched   |
      | the PPMID        | <code>                  | <fetched> |
      | the second PPMID | 1                       | none      |

    @CH-10
    Examples:
      | held                  | first off    | arrives | arriving's   | code | fetched |
      | waits                 | PPMID        | GSME    | Gas Supplier | 1    | none    |
      | waits for one of them | second PPMID | GSME    | Gas Supplier | 0    | all     |

    @CH-11
    Examples:
      | held                  | first off    | arrives | arriving's      | code | fetched |
      | waits                 | PPMID        | HCALCS  | Import Supplier | 1    | none    |
      | waits for one of them | second PPMID | HCALCS  | Import Supplier | 0    | all     |

  @subject-ch @CH-12 @CH-15
  Scenario: An image for two PPMIDs is refused while one for the GSME waits
    Given these Devices are on the HAN, and there is new firmware for them:
      | Device    | Version  | KB | Supplier        |
      | the PPMID | 00000020 | 2  | Import Supplier |
      | the GSME  | 00000300 | 2  | Gas Supplier    |
    And a second PPMID of the same model is on the HAN
    When the image for the GSME is distributed and waits
    And the image for the PPMID is distributed to every Device of its type
    Then the hub refuses the image for the PPMID
    And within 5 minutes exactly this has come of the image for the PPMID, Device by Device:
      | Device           | Transfer response codes | Fetched |
      | the PPMID        | 1                       | none    |
      | the second PPMID | 1                       | none    |

  @subject-ch @CH-12 @CH-19
  Scenario: Images for ESME and GSME, and what protects the GSME's, outlive a loss of the hub's power
    Given these Devices are on the HAN, and there is new firmware for them:
      | Device    | Version  | KB | Supplier        |
      | the ESME  | 00000300 | 2  | Import Supplier |
      | the GSME  | 00000400 | 2  | Gas Supplier    |
      | the PPMID | 00000020 | 2  | Import Supplier |
    When the image for the ESME is distributed and waits
    And the image for the GSME is distributed and waits
    And the hub is switched off
    And 60 minutes go by
    And the hub is switched on again
    And 10 minutes go by
    And the image for the PPMID is distributed
    Then the hub refuses the image for the PPMID
    When every Device is switched on again
    Then 24 hours later exactly this has come of each image:
      | Image for | Transfer response codes | DCC Alerts | Fetched |
      | the ESME  | 0                       | N61, N62   | all     |
      | the GSME  | 0                       | N61, N62   | all     |
      | the PPMID | 1                       | N60, N62   | none    |

  @subject-ch @CH-10 @CH-15
  Scenario: The image is overwritten when the PPMID has all of it and has not said yet how it ended
    Given the PPMID asks for blocks of 50 octets, 0 ms after one another, and says 1200 seconds after the last how it ended
    And these Devices are on the HAN, and there is new firmware for them:
      | Device    | Version  | KB | Supplier        |
      | the PPMID | 00000020 | 2  | Import Supplier |
      | the GSME  | 00000300 | 2  | Gas Supplier    |
    When the image for the PPMID is distributed and is at 100 %
    And the image for the GSME is distributed
    Then the hub takes the image for the GSME
    And 3 hours later exactly this has come of each image:
      | Image for | Transfer response codes | DCC Alerts | Fetched |
      | the PPMID | 1                       | N61, N62   | all     |
      | the GSME  | 0                       | N61, N62   | all     |
    And the hub has not told the PPMID to activate

  @subject-ch
  Scenario Outline: The GSME block is free again after an image that the GSME does not take: <why>
    Given the premises has the GSME
    And these Devices are on the HAN, and there is new firmware for them:
      | Device    | Version  | KB | Supplier        |
      | the PPMID | 00000020 | 2  | Import Supplier |
    And the manufacturer has released GSME firmware version 00000400 of 2 KB
    And <why>
    And the GSME sends its hardware version
    When the Gas Supplier checks the image against the CPL and sends SRV 11.1 for the GSME
    Then the hub sends the Alert 0x8F89 with transfer response code <code>, signed, for the GSME and version 00000400
    When the image for the PPMID is distributed
    Then the hub takes the image for the PPMID

    @CH-09
    Examples:
      | code | why                                                |
      | 3    | the manufacturer's signature in the image is wrong |

    @CH-04
    Examples:
      | code | why                                                                |
      | 2    | the GSME's real hardware version is above the maximum of the image |
