@sit @slow
Feature: How long the hub keeps an image, and how long it waits for a Device
  An image is kept for 14 days at least, and a download may stand still for 24 hours. Both clocks go on while the hub has
  no power. A hub's maker may keep images for longer: the bench's profile of the hub says for how long.

  Background:
    Given a dual Supplier premises whose PPMID runs firmware version 00000010

  @subject-ch @CH-13 @CH-16 @ALERT-N62-DISCARDED
  Scenario Outline: An image for the <Device> that is not fetched is kept for 14 days, and given up after the hub's time
    Given these Devices are on the HAN, and there is new firmware for them:
      | Device       | Version  | KB | Supplier        |
      | the <Device> | 00000400 | 2  | Import Supplier |
    When the image for the <Device> is distributed and waits
    And it is one second before 14 days since the hub had the image for the <Device>
    Then the hub has sent no transfer Alert for the <Device>
    When it is one second after the hub's time to keep the image for the <Device>
    Then within 1 minute the hub has sent exactly the transfer response code 1 for the <Device>
    When every Device is switched on again
    Then 26 hours later exactly this has come of each image:
      | Image for    | Transfer response codes | DCC Alerts | Fetched |
      | the <Device> | 1                       | N61, N62   | none    |

    Examples:
      | Device |
      | PPMID  |
      | HCALCS |

  @subject-ch @CH-13
  Scenario: An image can be fetched in the last hour of its 14 days
    Given these Devices are on the HAN, and there is new firmware for them:
      | Device    | Version  | KB | Supplier     |
      | the PPMID | 00000020 | 2  | Gas Supplier |
    When the image for the PPMID is distributed and waits
    And it is one second before 335 hours since the hub had the image for the PPMID
    And every Device is switched on again
    Then 24 hours later exactly this has come of each image:
      | Image for | Transfer response codes | DCC Alerts | Fetched |
      | the PPMID | 0                       | N61, N62   | all     |

  @subject-ch @CH-14 @CH-15
  Scenario Outline: A download by the <Device> that stands still is given up after 24 hours, and not before
    Given these Devices are on the HAN, and there is new firmware for them:
      | Device       | Version  | KB | Supplier   |
      | the <Device> | 00000400 | 4  | <Supplier> |
    When the image for the <Device> is distributed and stands at 50 %
    And it is one second before the hub's time to wait for the <Device>
    Then the hub has sent no transfer Alert for the <Device>
    When it is one second after the hub's time to wait for the <Device>
    Then within 1 minute the hub has sent exactly the transfer response code 3 for the <Device>
    When every Device is switched on again
    Then 26 hours later exactly this has come of each image:
      | Image for    | Transfer response codes | DCC Alerts | Fetched |
      | the <Device> | 3                       | N61, N62   | part    |

    Examples:
      | Device | Supplier        |
      | PPMID  | Gas Supplier    |
      | HCALCS | Import Supplier |

    @METER-03
    Examples:
      | Device | Supplier        |
      | ESME   | Import Supplier |
      | GSME   | Gas Supplier    |

  @subject-ch @CH-14
  Scenario: A download that goes on after 23 hours has another 24
    Given these Devices are on the HAN, and there is new firmware for them:
      | Device    | Version  | KB | Supplier     |
      | the PPMID | 00000020 | 6  | Gas Supplier |
    When the image for the PPMID is distributed and stands at 25 %
    And it is one second before 23 hours since the last block request of the PPMID
    And the transfer to the PPMID goes on and stands at 75 %
    And it is one second before 23 hours since the last block request of the PPMID
    Then the hub has sent no transfer Alert for the PPMID
    When every Device is switched on again
    Then 24 hours later exactly this has come of each image:
      | Image for | Transfer response codes | DCC Alerts | Fetched |
      | the PPMID | 0                       | N61, N62   | all     |

  @subject-ch @CH-12 @ALERT-N60
  Scenario: An image for a GSME is kept for 14 days
    Given these Devices are on the HAN, and there is new firmware for them:
      | Device    | Version  | KB | Supplier        |
      | the GSME  | 00000300 | 2  | Gas Supplier    |
      | the PPMID | 00000020 | 2  | Import Supplier |
    When the image for the GSME is distributed and waits
    And it is one second before 334 hours since the hub had the image for the GSME
    And the image for the PPMID is distributed
    Then the hub refuses the image for the PPMID
    When every Device is switched on again
    Then 24 hours later exactly this has come of each image:
      | Image for | Transfer response codes | DCC Alerts | Fetched |
      | the GSME  | 0                       | N61, N62   | all     |
      | the PPMID | 1                       | N60, N62   | none    |

  @subject-ch @CH-12
  Scenario: After its time an image for a GSME makes room for one for a PPMID
    Given these Devices are on the HAN, and there is new firmware for them:
      | Device    | Version  | KB | Supplier        |
      | the GSME  | 00000300 | 2  | Gas Supplier    |
      | the PPMID | 00000020 | 2  | Import Supplier |
    When the image for the GSME is distributed and waits
    And it is one second after the hub's time to keep the image for the GSME
    And the image for the PPMID is distributed
    Then the hub takes the image for the PPMID
    When every Device is switched on again
    Then 24 hours later exactly this has come of each image:
      | Image for | Transfer response codes | DCC Alerts | Fetched |
      | the GSME  | 1                       | N61, N62   | none    |
      | the PPMID | 0                       | N61, N62   | all     |

  @subject-ch @CH-12
  Scenario: A transfer to the GSME that runs when the hub's time is over is completed first
    Given these Devices are on the HAN, and there is new firmware for them:
      | Device           | Version  | KB | Supplier        |
      | the GSME         | 00000300 | 6  | Gas Supplier    |
      | the PPMID        | 00000020 | 2  | Import Supplier |
      | the second PPMID | 00000030 | 2  | Import Supplier |
    When the image for the GSME is distributed and waits
    And it is 2 hours before the end of the hub's time to keep the image for the GSME
    And the transfer to the GSME goes on and stands at 50 %
    And it is one second after the hub's time to keep the image for the GSME
    And the image for the PPMID is distributed
    Then the hub refuses the image for the PPMID
    When the transfer to the GSME goes on and is through
    And the image for the second PPMID is distributed
    Then the hub takes the image for the second PPMID
    And 24 hours later exactly this has come of each image:
      | Image for        | Transfer response codes | DCC Alerts | Fetched |
      | the GSME         | 0                       | N61, N62   | all     |
      | the PPMID        | 1                       | N60, N62   | none    |
      | the second PPMID | 0                       | N61, N62   | all     |

  @subject-ch @CH-19 @CH-13
  Scenario: The 14 days go on while the hub is reset and without power
    Given these Devices are on the HAN, and there is new firmware for them:
      | Device    | Version  | KB | Supplier     |
      | the PPMID | 00000020 | 2  | Gas Supplier |
    When the image for the PPMID is distributed and waits
    And 5 days go by
    And the hub is reset
    And 2 days go by
    And the hub is switched off
    And 3 days go by
    And the hub is switched on again
    And it is one second before 14 days since the hub had the image for the PPMID
    Then the hub has sent no transfer Alert for the PPMID
    When it is one second after the hub's time to keep the image for the PPMID
    Then within 1 minute the hub has sent exactly the transfer response code 1 for the PPMID

  @subject-ch @CH-19 @CH-13
  Scenario: The 14 days end while the hub is without power, and it tells so when it is back
    Given these Devices are on the HAN, and there is new firmware for them:
      | Device    | Version  | KB | Supplier     |
      | the PPMID | 00000020 | 2  | Gas Supplier |
    When the image for the PPMID is distributed and waits
    And 10 days go by
    And the hub is switched off
    And it is one second after the hub's time to keep the image for the PPMID
    And 60 minutes go by
    Then the hub has sent no transfer Alert for the PPMID
    When the hub is switched on again
    Then within 15 minutes the hub has sent exactly the transfer response code 1 for the PPMID
    When every Device is switched on again
    Then 26 hours later exactly this has come of each image:
      | Image for | Transfer response codes | DCC Alerts | Fetched |
      | the PPMID | 1                       | N61, N62   | none    |

  @subject-ch @CH-19 @CH-14
  Scenario: The 24 hours go on while the hub is reset and without power
    Given these Devices are on the HAN, and there is new firmware for them:
      | Device    | Version  | KB | Supplier     |
      | the PPMID | 00000020 | 4  | Gas Supplier |
    When the image for the PPMID is distributed and stands at 50 %
    And 300 minutes go by
    And the hub is reset
    And 300 minutes go by
    And the hub is switched off
    And 300 minutes go by
    And the hub is switched on again
    And it is one second before the hub's time to wait for the PPMID
    Then the hub has sent no transfer Alert for the PPMID
    When it is one second after the hub's time to wait for the PPMID
    Then within 1 minute the hub has sent exactly the transfer response code 3 for the PPMID

  @subject-ch @CH-18 @CH-19 @CH-13
  Scenario: What the hub gives up while the WAN is away is told once when it is back
    Given these Devices are on the HAN, and there is new firmware for them:
      | Device    | Version  | KB | Supplier     |
      | the PPMID | 00000020 | 2  | Gas Supplier |
    When the image for the PPMID is distributed and waits
    And it is 1 day before the end of the hub's time to keep the image for the PPMID
    And the WAN link is cut
    And 2 days go by
    And the hub is reset
    And 60 minutes go by
    And the WAN link is back
    And every Device is switched on again
    Then 26 hours later exactly this has come of each image:
      | Image for | Transfer response codes | DCC Alerts | Fetched |
      | the PPMID | 1                       | N61, N62   | none    |

  @subject-ch @CH-13 @CH-14
  Scenario Outline: A hub of maker <maker> keeps to its own times, and to the least that it owes
    Given the hub keeps images for <days> days, waits <hours> hours for a Device that has stopped, and notifies again after <minutes> minutes
    And these Devices are on the HAN, and there is new firmware for them:
      | Device           | Version  | KB | Supplier        |
      | the ESME         | 00000300 | 4  | Import Supplier |
      | the PPMID        | 00000020 | 2  | Gas Supplier    |
    When the image for the ESME is distributed and stands at 50 %
    And it is one second before the hub's time to wait for the ESME
    Then the hub has sent no transfer Alert for the ESME
    When it is one second after the hub's time to wait for the ESME
    Then within 1 minute the hub has sent exactly the transfer response code 3 for the ESME
    When the image for the PPMID is distributed and waits
    And it is one second before 14 days since the hub had the image for the PPMID
    Then the hub has sent no transfer Alert for the PPMID
    When it is one second after the hub's time to keep the image for the PPMID
    Then within 1 minute the hub has sent exactly the transfer response code 1 for the PPMID

    Examples:
      | maker | days | hours | minutes |
      | one   | 14   | 24    | 60      |
      | two   | 21   | 24    | 180     |
      | three | 28   | 48    | 240     |

  @subject-ch @CH-12 @ALERT-N60
  Scenario: An image for a GSME that waits keeps its block until its 14 days are over
    Given these Devices are on the HAN, and there is new firmware for them:
      | Device    | Version  | KB | Supplier        |
      | the GSME  | 00000300 | 2  | Gas Supplier    |
      | the PPMID | 00000020 | 2  | Import Supplier |
    When the image for the GSME is distributed and waits
    And it is 1 minute before 14 days since the hub had the image for the GSME
    And the image for the PPMID is distributed
    Then the hub refuses the image for the PPMID
    And 1 hour later exactly this has come of each image:
      | Image for | Transfer response codes | DCC Alerts | Fetched |
      | the PPMID | 1                       | N60, N62   | none    |

  @subject-ch @CH-02
  Scenario Outline: A hub that notifies again after <minutes> minutes does so while an image waits
    Given the hub keeps images for 14 days, waits 24 hours for a Device that has stopped, and notifies again after <minutes> minutes
    And these Devices are on the HAN, and there is new firmware for them:
      | Device    | Version  | KB | Supplier     |
      | the PPMID | 00000020 | 2  | Gas Supplier |
    When the image for the PPMID is distributed and waits
    Then in the next 13 hours the hub notifies the PPMID again as often as its maker declares

    Examples:
      | minutes |
      | 60      |
      | 240     |

  @subject-ch @CH-13 @CH-15
  Scenario Outline: An image for two PPMIDs that <still> wait for is given up after the hub's time
    Given these Devices are on the HAN, and there is new firmware for them:
      | Device    | Version  | KB | Supplier        |
      | the PPMID | 00000020 | 2  | Import Supplier |
    And a second PPMID of the same model is on the HAN
    When the <first off> is switched off
    And the second PPMID is switched off
    And the image for the PPMID is distributed to every Device of its type
    And it is one second after the hub's time to keep the image for the PPMID
    Then within 5 minutes exactly this has come of the image for the PPMID, Device by Device:
      | Device           | Transfer response codes | Fetched   |
      | the PPMID        | <code>                  | <fetched> |
      | the second PPMID | 1                       | none      |

    Examples:
      | still       | first off    | code | fetched |
      | both        | PPMID        | 1    | none    |
      | one of them | second PPMID | 0    | all     |

  @subject-ch @CH-14
  Scenario: The GSME block is free again when a download by the GSME has stood still for too long
    Given these Devices are on the HAN, and there is new firmware for them:
      | Device    | Version  | KB | Supplier        |
      | the GSME  | 00000300 | 4  | Gas Supplier    |
      | the PPMID | 00000020 | 2  | Import Supplier |
    When the image for the GSME is distributed and stands at 50 %
    And it is one second after the hub's time to wait for the GSME
    Then within 1 minute the hub has sent exactly the transfer response code 3 for the GSME
    When the image for the PPMID is distributed
    Then the hub takes the image for the PPMID
