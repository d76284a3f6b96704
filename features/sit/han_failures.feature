@sit
Feature: What goes wrong between hub and Device is told by N62
  Mirrors the negative SIT scripts of FIA 6.2.1 for ESME, GSME, HCALCS and PPMID against the three CHFs: 'N62: Failed to
  deliver firmware image to device', and 'N62: Firmware image rejected/overwritten at Comms Hub'. N60 is in delivery_period.
  A hub rejects an image for any Device by the hardware version in its Query Next Image Request (FIA Tables 3 and 4). It
  rejects one for a GSME for no other reason: nothing has priority over it, and a newer one overwrites it.

  Background:
    Given a dual Supplier premises whose PPMID runs firmware version 00000010

  @subject-ch @CH-09 @DSP-10 @ALERT-N62-FAILED
  Scenario Outline: The <Device> behind the hub "<hub>" does not take the image
    Given the hub is of the kind "<hub>"
    And the premises has the <Device>
    And the manufacturer has released <Device> firmware version 00000400 of 2 KB
    But the manufacturer's signature in the image is wrong
    When the <sender> checks the image against the CPL and sends <SRV> for the <Device>
    Then the <sender> gets N62 for the <Device> with Device Alert 0x8F89, transfer response code 3 and version 00000400
    And after an hour of quiet the Suppliers have got exactly these DCC Alerts:
      | Supplier | DCC Alerts |
      | <sender> | N61, N62   |
      | <other>  | N59        |
    And within 15 minutes the 'Firmware Update Status' screen shows the <sender> that the <Device> is FAILED_HAN_TRANSFER, by the <sender>'s request for version 00000400

    @ppmid
    Examples:
      | Device | SRV      | sender          | other        | hub                  |
      | PPMID  | SRV 11.4 | Import Supplier | Gas Supplier | North, single band   |
      | PPMID  | SRV 11.4 | Import Supplier | Gas Supplier | South, dual band     |
      | PPMID  | SRV 11.4 | Import Supplier | Gas Supplier | Central, single band |

    @hcalcs
    Examples:
      | Device | SRV      | sender          | other        | hub                |
      | HCALCS | SRV 11.1 | Import Supplier | Gas Supplier | North, dual band   |
      | HCALCS | SRV 11.1 | Import Supplier | Gas Supplier | South, single band |
      | HCALCS | SRV 11.1 | Import Supplier | Gas Supplier | Central, dual band |

    @esme @METER-03
    Examples:
      | Device | SRV      | sender          | other        | hub                  |
      | ESME   | SRV 11.1 | Import Supplier | Gas Supplier | North, single band   |
      | ESME   | SRV 11.1 | Import Supplier | Gas Supplier | South, dual band     |
      | ESME   | SRV 11.1 | Import Supplier | Gas Supplier | Central, single band |

    @gsme @METER-03
    Examples:
      | Device | SRV      | sender       | other           | hub                |
      | GSME   | SRV 11.1 | Gas Supplier | Import Supplier | North, dual band   |
      | GSME   | SRV 11.1 | Gas Supplier | Import Supplier | South, single band |
      | GSME   | SRV 11.1 | Gas Supplier | Import Supplier | Central, dual band |

  @subject-ch @ALERT-N62-DISCARDED
  Scenario Outline: The image for the <Device> behind the hub "<hub>" is overwritten by a newer one
    Given the hub is of the kind "<hub>"
    And the DSP's tracking timeout is 1 day
    And these Devices are on the HAN, and there is new firmware for them:
      | Device       | Version  | KB | Supplier |
      | the <Device> | 00000400 | 2  | <sender> |
      | the <Device> | 00000500 | 2  | <sender> |
    When the image of version 00000400 is distributed and waits
    And 2 days go by
    And the image of version 00000500 is distributed and waits
    Then 1 hour later exactly this has come of each image:
      | Image for        | Transfer response codes | DCC Alerts | Fetched |
      | version 00000400 | 1                       | N61, N62   | none    |
      | version 00000500 | none                    | N61        | none    |

    @ppmid
    Examples:
      | Device | sender          | hub                  |
      | PPMID  | Import Supplier | North, single band   |
      | PPMID  | Import Supplier | South, dual band     |
      | PPMID  | Import Supplier | Central, single band |

    @hcalcs
    Examples:
      | Device | sender          | hub                |
      | HCALCS | Import Supplier | North, dual band   |
      | HCALCS | Import Supplier | South, single band |
      | HCALCS | Import Supplier | Central, dual band |

    @esme @METER-03
    Examples:
      | Device | sender          | hub                  |
      | ESME   | Import Supplier | North, single band   |
      | ESME   | Import Supplier | South, dual band     |
      | ESME   | Import Supplier | Central, single band |

    @gsme @METER-03
    Examples:
      | Device | sender       | hub                |
      | GSME   | Gas Supplier | North, dual band   |
      | GSME   | Gas Supplier | South, single band |
      | GSME   | Gas Supplier | Central, dual band |

  @subject-ch @CH-04 @DSP-10 @ALERT-N62-HW
  Scenario Outline: The hub "<hub>" rejects an image for other hardware than the <Device>'s, <place> of the image
    Given the hub is of the kind "<hub>"
    And the premises has the <Device>
    And the manufacturer has released <Device> firmware version 00000400 of 2 KB
    And the <Device>'s real hardware version is <place> of the image
    And the <Device> sends its hardware version
    When the <sender> checks the image against the CPL and sends <SRV> for the <Device>
    Then the hub sends the Alert 0x8F89 with transfer response code 2, signed, for the <Device> and version 00000400
    And the <sender> gets N62 for the <Device> with Device Alert 0x8F89, transfer response code 2 and version 00000400
    And after an hour of quiet the Suppliers have got exactly these DCC Alerts:
      | Supplier | DCC Alerts |
      | <sender> | N61, N62   |
      | <other>  | N59        |
    And within 15 minutes the 'Firmware Update Status' screen shows the <sender> that the <Device> is HAN_REJECTED_HW_MISMATCH, by the <sender>'s request for version 00000400

    @ppmid
    Examples:
      | Device | SRV      | place             | sender       | other           | hub                |
      | PPMID  | SRV 11.4 | above the maximum | Gas Supplier | Import Supplier | North, dual band   |
      | PPMID  | SRV 11.4 | below the minimum | Gas Supplier | Import Supplier | South, single band |
      | PPMID  | SRV 11.4 | above the maximum | Gas Supplier | Import Supplier | Central, dual band |

    @hcalcs
    Examples:
      | Device | SRV      | place             | sender          | other        | hub                  |
      | HCALCS | SRV 11.1 | above the maximum | Import Supplier | Gas Supplier | North, single band   |
      | HCALCS | SRV 11.1 | below the minimum | Import Supplier | Gas Supplier | South, dual band     |
      | HCALCS | SRV 11.1 | above the maximum | Import Supplier | Gas Supplier | Central, single band |

    @esme @METER-03
    Examples:
      | Device | SRV      | place             | sender          | other        | hub                |
      | ESME   | SRV 11.1 | above the maximum | Import Supplier | Gas Supplier | North, dual band   |
      | ESME   | SRV 11.1 | below the minimum | Import Supplier | Gas Supplier | South, single band |
      | ESME   | SRV 11.1 | above the maximum | Import Supplier | Gas Supplier | Central, dual band |

    @gsme @METER-03
    Examples:
      | Device | SRV      | place             | sender       | other           | hub                  |
      | GSME   | SRV 11.1 | above the maximum | Gas Supplier | Import Supplier | North, single band   |
      | GSME   | SRV 11.1 | below the minimum | Gas Supplier | Import Supplier | South, dual band     |
      | GSME   | SRV 11.1 | above the maximum | Gas Supplier | Import Supplier | Central, single band |

  @subject-ch @DSP-10 @ALERT-N62-DISCARDED @ALERT-N60
  Scenario Outline: The hub "<hub>" rejects an image for an <Device> while <holder>
    Given the hub is of the kind "<hub>"
    And these Devices are on the HAN, and there is new firmware for them:
      | Device      | Version  | KB | Supplier |
      | the <first> | 00000400 | 4  | <owner>  |
      | the <then>  | 00000500 | 2  | <sender> |
    When the image for the <first> is distributed and <stage>
    And the image for the <then> is distributed
    Then the hub refuses the image for the <then>
    And 1 hour later exactly this has come of each image:
      | Image for  | Transfer response codes | DCC Alerts | Fetched |
      | the <then> | 1                       | N60, N62   | none    |
    And within 15 minutes the 'Firmware Update Status' screen shows the <sender> that the <Device> is HAN_DISCARDED, by the <sender>'s request for version 00000500

    @ppmid @gsme
    Examples:
      | Device | first | then  | owner        | sender          | stage | holder                    | hub              |
      | PPMID  | GSME  | PPMID | Gas Supplier | Import Supplier | waits | it keeps one for the GSME | North, dual band |

    @hcalcs @gsme
    Examples:
      | Device | first | then   | owner        | sender          | stage | holder                    | hub              |
      | HCALCS | GSME  | HCALCS | Gas Supplier | Import Supplier | waits | it keeps one for the GSME | South, dual band |

    @esme @METER-03
    Examples:
      | Device | first       | then | owner           | sender          | stage          | holder                       | hub                  |
      | ESME   | second ESME | ESME | Import Supplier | Import Supplier | stands at 50 % | another ESME is fetching one | Central, single band |
