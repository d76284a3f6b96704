@sit
Feature: A Supplier distributes an image by SRV 11.1, and activates it by SRV 11.3
  Mirrors the SIT scripts of FIA 6.2.1 for SRV 11.1, 11.2 and 11.3 on the HCALCS, and the regression for ESME and
  GSME, which are updated as before: the image is held until the Supplier's Activate Firmware Command has the Device
  run it.

  Background:
    Given a dual Supplier premises whose PPMID runs firmware version 00000010

  @subject-ch
  @SR-03 @SR-04 @SR-05 @SR-09 @DSP-16 @CH-02 @CH-03 @CH-06 @CH-08 @SMI-01
  @ALERT-N61 @ALERT-N62-SUCCESS
  Scenario Outline: The <sender> updates the <Device>
    Given the premises also has an <Device> that runs firmware version <old>
    And the manufacturer has released <Device> firmware version 00000300 of 16 KB
    When the <sender> checks the image against the CPL and sends SRV 11.1 for the <Device>
    Then the <sender> gets one Service Response that lists no failed Device
    And the DSP sends the CSP one distribution request for the <Device>, of Device type <Device>
    And the CSP delivers the image to the hub, octet for octet
    And the <sender> gets N61 for the <Device>
    And the <Device> fetches the image from the hub, octet for octet
    And the <Device> sends an Upgrade End Request with status SUCCESS
    And the hub sends the Alert 0x8F8A with transfer response code 0, signed, for the <Device> and version 00000300
    And the <sender> gets N62 for the <Device> with Device Alert 0x8F8A, transfer response code 0 and version 00000300
    And the hub's Upgrade End Response tells the <Device> to wait for another instruction
    When 24 hours pass
    And the <sender> reads the <Device>'s firmware version by SRV 11.2
    Then the <sender> gets the Device's response with version <old>
    When the <sender> activates the image on the <Device> by SRV 11.3
    Then the <Device> answers CS06 with success and version 00000300, signed
    And the <sender> is told success and version 00000300 on SRV 11.3
    When the <sender> reads the <Device>'s inventory by SRV 8.2
    Then the inventory shows firmware version 00000300
    When the <sender> reads the <Device>'s firmware version by SRV 11.2
    Then the <sender> gets the Device's response with version 00000300
    When the <sender> activates the image on the <Device> by SRV 11.3
    Then the <Device> answers CS06 with noImageHeld and version 00000300, signed
    And the <sender> is told noImageHeld and version 00000300 on SRV 11.3

    @hcalcs @subject-hcalcs @HCALCS-01 @HCALCS-02 @HCALCS-04 @HCALCS-06
    Examples:
      | Device | sender          | old      |
      | HCALCS | Import Supplier | 00000100 |

    @esme @METER-01
    Examples:
      | Device | sender          | old      |
      | ESME   | Import Supplier | 00000200 |

    @gsme @METER-01
    Examples:
      | Device | sender       | old      |
      | GSME   | Gas Supplier | 00000200 |

  @METER-01 @SR-05
  Scenario Outline: The <Device> activates at the time that its Supplier names
    Given the premises also has an <Device> that runs firmware version 00000200
    And the manufacturer has released <Device> firmware version 00000300 of 16 KB
    When the <sender> checks the image against the CPL and sends SRV 11.1 for the <Device>
    Then the <sender> gets N62 for the <Device>
    When the <sender> activates the image on the <Device> by SRV 11.3, to be done in 6 hours
    Then the <Device> answers CS06, signed, that the outcome is to follow
    And at that time the <Device> sends the Alert 0x8F66 with success and version 00000300, signed
    And the <sender> is told later success and version 00000300 on SRV 11.3
    When the <sender> reads the <Device>'s firmware version by SRV 11.2
    Then the <sender> gets the Device's response with version 00000300

    @esme
    Examples:
      | Device | sender          |
      | ESME   | Import Supplier |

    @gsme
    Examples:
      | Device | sender       |
      | GSME   | Gas Supplier |

  @subject-ch @METER-03 @CH-09 @ALERT-N62-FAILED
  Scenario Outline: The <Device> refuses an image that its manufacturer has not signed
    Given the premises also has an <Device> that runs firmware version 00000200
    And the manufacturer has released <Device> firmware version 00000300 of 16 KB
    But the manufacturer's signature in the image is wrong
    When the <sender> checks the image against the CPL and sends SRV 11.1 for the <Device>
    Then the <Device> sends an Upgrade End Request that refuses the image
    And the hub sends the Alert 0x8F89 with transfer response code 3, signed, for the <Device> and version 00000300
    And the <sender> gets N62 for the <Device> with Device Alert 0x8F89, transfer response code 3 and version 00000300
    When the <sender> activates the image on the <Device> by SRV 11.3
    Then the <Device> answers CS06 with noImageHeld and version 00000200, signed

    @esme
    Examples:
      | Device | sender          |
      | ESME   | Import Supplier |

    @gsme
    Examples:
      | Device | sender       |
      | GSME   | Gas Supplier |

  @esme @gsme @subject-ch @CH-18 @METER-01
  Scenario Outline: The <Device> activates at its time while the WAN is gone
    Given the premises also has an <Device> that runs firmware version 00000200
    And the manufacturer has released <Device> firmware version 00000300 of 16 KB
    When the <sender> checks the image against the CPL and sends SRV 11.1 for the <Device>
    Then the <sender> gets N62 for the <Device>
    When the <sender> activates the image on the <Device> by SRV 11.3, to be done in 6 hours
    Then the <Device> answers CS06, signed, that the outcome is to follow
    When the WAN link is cut
    Then at that time the <Device> sends the Alert 0x8F66 with success and version 00000300, signed
    When 120 minutes go by
    And the WAN link is back
    Then the <sender> is told later success and version 00000300 on SRV 11.3

    Examples:
      | Device | sender          |
      | ESME   | Import Supplier |
      | GSME   | Gas Supplier    |

  @esme @gsme @METER-01
  Scenario Outline: The power of the <Device> goes before the time at which it is to activate
    Given the premises also has an <Device> that runs firmware version 00000200
    And the manufacturer has released <Device> firmware version 00000300 of 16 KB
    When the <sender> checks the image against the CPL and sends SRV 11.1 for the <Device>
    Then the <sender> gets N62 for the <Device>
    When the <sender> activates the image on the <Device> by SRV 11.3, to be done in 6 hours
    Then the <Device> answers CS06, signed, that the outcome is to follow
    When the <Device> is switched off
    And 60 minutes go by
    And the <Device> is switched on again
    Then at that time the <Device> sends the Alert 0x8F66 with success and version 00000300, signed
    And the <sender> is told later success and version 00000300 on SRV 11.3

    Examples:
      | Device | sender          |
      | ESME   | Import Supplier |
      | GSME   | Gas Supplier    |

  @esme @gsme @METER-01
  Scenario Outline: A command <flaw> changes nothing on the <Device>
    Given the premises also has an <Device> that runs firmware version 00000200
    And the manufacturer has released <Device> firmware version 00000300 of 16 KB
    When the <sender> checks the image against the CPL and sends SRV 11.1 for the <Device>
    Then the <sender> gets N62 for the <Device>
    When a CS06 Command <flaw> comes over the WAN for the <Device>
    Then for 2 hours the <Device> does not answer CS06
    And the <Device> sends the Alert <Alert> to the <sender>, signed
    When the <sender> reads the <Device>'s firmware version by SRV 11.2
    Then the <sender> gets the Device's response with version 00000200
    When the <sender> activates the image on the <Device> by SRV 11.3
    Then the <Device> answers CS06 with success and version 00000300, signed

    Examples:
      | Device | sender          | flaw                                               | Alert  |
      | ESME   | Import Supplier | without a signature                                | 0x8F3D |
      | ESME   | Import Supplier | with another Supplier's signature                  | 0x8F3D |
      | ESME   | Import Supplier | with a MAC that is not the Access Control Broker's | 0x8F3D |
      | ESME   | Import Supplier | of another Supplier                                | 0x8F30 |
      | GSME   | Gas Supplier    | without a signature                                | 0x8F3D |
      | GSME   | Gas Supplier    | with another Supplier's signature                  | 0x8F3D |
      | GSME   | Gas Supplier    | with a MAC that is not the Access Control Broker's | 0x8F3D |
      | GSME   | Gas Supplier    | of another Supplier                                | 0x8F30 |

  @esme @gsme @METER-01
  Scenario Outline: A command that names another image changes nothing on the <Device>
    Given the premises also has an <Device> that runs firmware version 00000200
    And the manufacturer has released <Device> firmware version 00000300 of 16 KB
    When the <sender> checks the image against the CPL and sends SRV 11.1 for the <Device>
    Then the <sender> gets N62 for the <Device>
    When the <sender> activates another image on the <Device> by SRV 11.3
    Then the <Device> answers CS06 with hashMismatch and version 00000200, signed
    And the <sender> is told hashMismatch and version 00000200 on SRV 11.3
    When the <sender> activates the image on the <Device> by SRV 11.3
    Then the <Device> answers CS06 with success and version 00000300, signed

    Examples:
      | Device | sender          |
      | ESME   | Import Supplier |
      | GSME   | Gas Supplier    |

  Scenario Outline: A command comes again on the <Device> after a newer one
    Given the premises also has an <Device> that runs firmware version <runs>
    And the manufacturer has released <Device> firmware version 00000300 of 4 KB
    When a CS06 Command that is sound comes over the WAN for the <Device>
    Then the <Device> answers CS06 with noImageHeld and version <runs>, signed
    When a newer CS06 Command that is sound comes over the WAN for the <Device>
    Then the <Device> answers CS06 with noImageHeld and version <runs>, signed
    When the <sender> checks the image against the CPL and sends SRV 11.1 for the <Device>
    Then the <sender> gets N62 for the <Device>
    When that very Command comes over the WAN again
    Then for 2 hours the <Device> does not answer CS06
    And the <Device> sends the Alert 0x8F53 to the <sender>, signed
    When the <sender> reads the <Device>'s firmware version by SRV 11.2
    Then the <sender> gets the Device's response with version <runs>

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
