@sit @hcalcs @subject-hcalcs
Feature: An HCALCS takes sound images alone, and runs one on a sound command alone
  Goes with the SIT scripts of FIA 6.2.1 for SRV 11.3 on the HCALCS: what it must not take, and what it tells.

  Background:
    Given a dual Supplier premises whose PPMID runs firmware version 00000010
    And the premises also has an HCALCS that runs firmware version 00000100

  @HCALCS-03
  Scenario: The manufacturer's signature in the image is wrong
    Given the manufacturer has released HCALCS firmware version 00000200 of 16 KB
    But the manufacturer's signature in the image is wrong
    When the Import Supplier checks the image against the CPL and sends SRV 11.1 for the HCALCS
    Then the HCALCS sends an Upgrade End Request that refuses the image
    When the Import Supplier activates the image on the HCALCS by SRV 11.3
    Then the HCALCS answers CS06 with noImageHeld and version 00000100, signed

  @HCALCS-03
  Scenario: The signature after the image is not that of the HCALCS's own Supplier
    Given the manufacturer has released HCALCS firmware version 00000200 of 16 KB
    When the Import Supplier sends SRV 11.1 for the HCALCS with another Supplier's signature after the image
    Then the HCALCS sends an Upgrade End Request that refuses the image
    When the Import Supplier activates the image on the HCALCS by SRV 11.3
    Then the HCALCS answers CS06 with noImageHeld and version 00000100, signed

  @HCALCS-04 @HCALCS-07
  Scenario: The command names another image, and the power goes before and after the right one
    Given the manufacturer has released HCALCS firmware version 00000200 of 16 KB
    When the Import Supplier checks the image against the CPL and sends SRV 11.1 for the HCALCS
    Then the Import Supplier gets N62 for the HCALCS
    When the HCALCS is switched off
    And 24 hours pass
    And the HCALCS is switched on again
    And 10 minutes go by
    And the Import Supplier activates another image on the HCALCS by SRV 11.3
    Then the HCALCS answers CS06 with hashMismatch and version 00000100, signed
    And the Import Supplier is told hashMismatch and version 00000100 on SRV 11.3
    When the Import Supplier activates the image on the HCALCS by SRV 11.3
    Then the HCALCS answers CS06 with success and version 00000200, signed
    When the HCALCS is reset
    And 10 minutes go by
    And the Import Supplier reads the HCALCS's firmware version by SRV 11.2
    Then the Import Supplier gets the Device's response with version 00000200

  @HCALCS-07
  Scenario: The power goes in the middle of the download
    Given the manufacturer has released HCALCS firmware version 00000200 of 64 KB
    When the Import Supplier checks the image against the CPL and sends SRV 11.1 for the HCALCS
    And the HCALCS has fetched 50 % of the image
    And the HCALCS is switched off
    And 10 minutes go by
    And the HCALCS is switched on again
    Then the HCALCS sends an Upgrade End Request with status SUCCESS
    When the Import Supplier activates the image on the HCALCS by SRV 11.3
    Then the HCALCS answers CS06 with success and version 00000200, signed

  @HCALCS-04 @HCALCS-05
  Scenario: The image is damaged in flash before it is activated
    Given the manufacturer has released HCALCS firmware version 00000200 of 16 KB
    When the Import Supplier checks the image against the CPL and sends SRV 11.1 for the HCALCS
    Then the Import Supplier gets N62 for the HCALCS
    When the flash that holds the HCALCS's image loses octets while it is switched off
    And 10 minutes go by
    And the Import Supplier activates the image on the HCALCS by SRV 11.3
    Then the HCALCS answers CS06 with activationFailure and version 00000100, signed
    And the Import Supplier is told activationFailure and version 00000100 on SRV 11.3
    And the HCALCS sends the Alert 0x8F1C to the Import Supplier, signed
    When the Import Supplier reads the HCALCS's firmware version by SRV 11.2
    Then the Import Supplier gets the Device's response with version 00000100

  @HCALCS-05
  Scenario: The firmware that runs is damaged in flash
    When the flash that holds the HCALCS's running firmware loses octets while it is switched off
    Then the Import Supplier gets the Device Alert 0x8F1B of the HCALCS
    And the HCALCS sends the Alert 0x8F1B to the Import Supplier, signed

  @HCALCS-02
  Scenario Outline: A command <flaw> changes nothing
    Given the manufacturer has released HCALCS firmware version 00000200 of 16 KB
    When the Import Supplier checks the image against the CPL and sends SRV 11.1 for the HCALCS
    Then the Import Supplier gets N62 for the HCALCS
    When a CS06 Command <flaw> comes over the WAN for the HCALCS
    Then for 2 hours the HCALCS does not answer CS06
    And the HCALCS sends the Alert <Alert> to the Import Supplier, signed
    When the Import Supplier reads the HCALCS's firmware version by SRV 11.2
    Then the Import Supplier gets the Device's response with version 00000100
    When the Import Supplier activates the image on the HCALCS by SRV 11.3
    Then the HCALCS answers CS06 with success and version 00000200, signed

    Examples:
      | flaw                                               | Alert  |
      | without a signature                                | 0x8F3D |
      | with another Supplier's signature                  | 0x8F3D |
      | with a MAC that is not the Access Control Broker's | 0x8F3D |
      | of another Supplier                                | 0x8F30 |

  @HCALCS-02 @HCALCS-04
  Scenario: A command that was carried out once comes again
    Given the manufacturer has released HCALCS firmware version 00000200 of 16 KB
    When a CS06 Command that is sound comes over the WAN for the HCALCS
    Then the HCALCS answers CS06 with noImageHeld and version 00000100, signed
    When the Import Supplier checks the image against the CPL and sends SRV 11.1 for the HCALCS
    Then the Import Supplier gets N62 for the HCALCS
    When that very Command comes over the WAN again
    Then for 2 hours the HCALCS does not answer CS06
    And the HCALCS sends the Alert 0x8F53 to the Import Supplier, signed
    When the Import Supplier reads the HCALCS's firmware version by SRV 11.2
    Then the Import Supplier gets the Device's response with version 00000100

  @HCALCS-02
  Scenario: A command that was carried out once comes again after a loss of power
    Given the manufacturer has released HCALCS firmware version 00000200 of 16 KB
    When a CS06 Command that is sound comes over the WAN for the HCALCS
    Then the HCALCS answers CS06 with noImageHeld and version 00000100, signed
    When the Import Supplier checks the image against the CPL and sends SRV 11.1 for the HCALCS
    Then the Import Supplier gets N62 for the HCALCS
    When the HCALCS is switched off
    And 60 minutes go by
    And the HCALCS is switched on again
    And 10 minutes go by
    And that very Command comes over the WAN again
    Then for 2 hours the HCALCS does not answer CS06
    And the HCALCS sends the Alert 0x8F53 to the Import Supplier, signed
    When the Import Supplier reads the HCALCS's firmware version by SRV 11.2
    Then the Import Supplier gets the Device's response with version 00000100

  @HCALCS-08
  Scenario: Firmware in two parts
    Given the manufacturer has released part 1 of 2 of HCALCS firmware version 00000200, of 16 KB
    When the Import Supplier checks the image against the CPL and sends SRV 11.1 for the HCALCS
    Then the Import Supplier gets N62 for the HCALCS
    When the Import Supplier activates the image on the HCALCS by SRV 11.3
    Then the HCALCS answers CS06 with success and version 00000100, signed
    When 170 hours pass
    Given the manufacturer has released part 2 of 2 of HCALCS firmware version 00000200, of 16 KB
    When the Import Supplier checks the image against the CPL and sends SRV 11.1 for the HCALCS
    Then the Import Supplier gets N62 for the HCALCS
    When the Import Supplier activates the image on the HCALCS by SRV 11.3
    Then the HCALCS answers CS06 with success and version 00000200, signed

  @HCALCS-08
  Scenario: The last of two parts alone
    Given the manufacturer has released part 2 of 2 of HCALCS firmware version 00000200, of 16 KB
    When the Import Supplier checks the image against the CPL and sends SRV 11.1 for the HCALCS
    Then the Import Supplier gets N62 for the HCALCS
    When the Import Supplier activates the image on the HCALCS by SRV 11.3
    Then the HCALCS answers CS06 with activationFailure and version 00000100, signed

  @HCALCS-04
  Scenario: The image is activated twice
    Given the manufacturer has released HCALCS firmware version 00000200 of 16 KB
    When the Import Supplier checks the image against the CPL and sends SRV 11.1 for the HCALCS
    Then the Import Supplier gets N62 for the HCALCS
    When the Import Supplier activates the image on the HCALCS by SRV 11.3
    Then the HCALCS answers CS06 with success and version 00000200, signed
    When 10 minutes go by
    And the Import Supplier activates the image on the HCALCS by SRV 11.3
    Then the HCALCS answers CS06 with noImageHeld and version 00000200, signed

  @HCALCS-07
  Scenario: The power goes as soon as the HCALCS has answered that it activates
    Given the manufacturer has released HCALCS firmware version 00000200 of 16 KB
    When the Import Supplier checks the image against the CPL and sends SRV 11.1 for the HCALCS
    Then the Import Supplier gets N62 for the HCALCS
    When the Import Supplier activates the image on the HCALCS by SRV 11.3
    Then the HCALCS answers CS06 with success and version 00000200, signed
    When the HCALCS is switched off
    And 24 hours pass
    And the HCALCS is switched on again
    And 10 minutes go by
    And the Import Supplier reads the HCALCS's firmware version by SRV 11.2
    Then the Import Supplier gets the Device's response with version 00000200

  @HCALCS-08
  Scenario: The first of two parts is sent and activated twice
    Given the manufacturer has released part 1 of 2 of HCALCS firmware version 00000200, of 16 KB
    When the Import Supplier checks the image against the CPL and sends SRV 11.1 for the HCALCS
    Then the Import Supplier gets N62 for the HCALCS
    When the Import Supplier activates the image on the HCALCS by SRV 11.3
    Then the HCALCS answers CS06 with success and version 00000100, signed
    When 170 hours pass
    And the Import Supplier checks the image against the CPL and sends SRV 11.1 for the HCALCS
    Then the Import Supplier gets N62 for the HCALCS
    When the Import Supplier activates the image on the HCALCS by SRV 11.3
    Then the HCALCS answers CS06 with success and version 00000100, signed
    When 170 hours pass
    Given the manufacturer has released part 2 of 2 of HCALCS firmware version 00000200, of 16 KB
    When the Import Supplier checks the image against the CPL and sends SRV 11.1 for the HCALCS
    Then the Import Supplier gets N62 for the HCALCS
    When the Import Supplier activates the image on the HCALCS by SRV 11.3
    Then the HCALCS answers CS06 with success and version 00000200, signed

  @HCALCS-03
  Scenario Outline: The manufacturer's signature in the image is <whose>
    Given the manufacturer has released HCALCS firmware version 00000200 of 4 KB
    But the manufacturer's signature in the image is <whose>
    When the Import Supplier checks the image against the CPL and sends SRV 11.1 for the HCALCS
    Then the HCALCS sends an Upgrade End Request that refuses the image
    When the Import Supplier activates the image on the HCALCS by SRV 11.3
    Then the HCALCS answers CS06 with noImageHeld and version 00000100, signed

    Examples:
      | whose                  |
      | another's              |
      | that of other firmware |

  @HCALCS-05
  Scenario: Firmware that came over the air is damaged in flash
    Given the manufacturer has released HCALCS firmware version 00000200 of 16 KB
    When the Import Supplier checks the image against the CPL and sends SRV 11.1 for the HCALCS
    Then the Import Supplier gets N62 for the HCALCS
    When the Import Supplier activates the image on the HCALCS by SRV 11.3
    Then the HCALCS answers CS06 with success and version 00000200, signed
    When 60 minutes go by
    And the flash that holds the HCALCS's running firmware loses octets while it is switched off
    Then the Import Supplier gets the Device Alert 0x8F1B of the HCALCS
    And the HCALCS sends the Alert 0x8F1B to the Import Supplier, signed
