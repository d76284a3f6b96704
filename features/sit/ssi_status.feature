@sit
Feature: SSI and SSMI show how far a firmware update is
  Mirrors the new SSI and SSMI scripts of FIA 6.2.1: the 'Firmware Update Status' screen for Service Users, and the same
  with a reset for the DCC Service Desk; and the report RSAT 004 with HCALCS.

  Background:
    Given a dual Supplier premises whose PPMID runs firmware version 00000010

  @subject-dsp @DSP-10 @DSP-19
  Scenario Outline: The last recorded status of the <Device>
    Given the premises has the <Device>
    And the manufacturer has released <Device> firmware version 00000400 of 2 KB
    When the <Device> is switched off
    And the <sender> checks the image against the CPL and sends <SRV> for the <Device>
    Then the <sender> gets N61 for the <Device>
    And within 15 minutes the 'Firmware Update Status' screen shows the <sender> that the <Device> is SUCCESSFUL_CH_TRANSFER, by the <sender>'s request for version 00000400
    And within 15 minutes the 'Firmware Update Status' screen shows the <other> that the <Device> is SUCCESSFUL_CH_TRANSFER, by the <sender>'s request for version 00000400
    And within 15 minutes the 'Firmware Update Status' screen shows the DCC Service Desk that the <Device> is SUCCESSFUL_CH_TRANSFER, by the <sender>'s request for version 00000400
    And the 'Firmware Update Status' screen shows the other Supplier nothing of the <Device>
    When the <Device> is switched on again
    Then the <sender> gets N62 for the <Device>
    And within 15 minutes the 'Firmware Update Status' screen shows the <sender> that the <Device> is <at the end>, by the <sender>'s request for version 00000400
    And the 'Firmware Update Status' screen shows the other Supplier nothing of the <Device>

    @ppmid
    Examples: a PPMID
      | Device | SRV      | sender          | other           | at the end              |
      | PPMID  | SRV 11.4 | Gas Supplier    | Import Supplier | FIRMWARE_ACTIVATED      |

    Examples: other Devices
      | Device | SRV      | sender          | other           | at the end              |
      | HCALCS | SRV 11.1 | Import Supplier | Gas Supplier    | SUCCESSFUL_HAN_TRANSFER |
      | ESME   | SRV 11.1 | Import Supplier | Gas Supplier    | SUCCESSFUL_HAN_TRANSFER |
      | GSME   | SRV 11.1 | Gas Supplier    | Import Supplier | SUCCESSFUL_HAN_TRANSFER |

  @subject-dsp @DSP-10 @ppmid
  Scenario: A record is kept for as long as is set, and no longer
    Given the DSP keeps its tracking records for 2 days after the last change
    And the manufacturer has released PPMID firmware version 00000020 of 2 KB
    When the Import Supplier checks the image against the CPL and sends SRV 11.4 for the PPMID
    Then the Import Supplier gets N39 for the PPMID with version 00000020
    When 47 hours pass
    Then within 15 minutes the 'Firmware Update Status' screen shows the Import Supplier that the PPMID is FIRMWARE_ACTIVATED, by the Import Supplier's request for version 00000020
    When 1 hours pass
    Then the 'Firmware Update Status' screen shows the Import Supplier nothing of the PPMID

  @subject-dsp @DSP-10 @DSP-14 @ALERT-N62-FAILED @ppmid
  Scenario: A failure is recorded with its reason, and in the Service Audit Trail with its response code
    Given the manufacturer has released PPMID firmware version 00000020 of 2 KB
    But the manufacturer's signature in the image is wrong
    When the Import Supplier checks the image against the CPL and sends SRV 11.4 for the PPMID
    Then the Import Supplier gets N62 for the PPMID with Device Alert 0x8F89, transfer response code 3 and version 00000020
    And the screen shows the Import Supplier the reason "fileTransferFailure" for the PPMID, and the time at which N62 came
    And the Service Audit Trail has exactly these Device Alerts for the PPMID: "0x8F89 with 3"

  @subject-dsp @DSP-14 @ppmid
  Scenario: The Service Audit Trail has the Alerts of a successful update
    Given the manufacturer has released PPMID firmware version 00000020 of 2 KB
    When the Import Supplier checks the image against the CPL and sends SRV 11.4 for the PPMID
    Then the Import Supplier gets N39 for the PPMID with version 00000020
    And the Service Audit Trail has exactly these Device Alerts for the PPMID: "0x8F8A, 0x8F8B"

  @subject-dsp @DSP-20
  Scenario Outline: The DCC Service Desk releases the <Device>, and nobody else
    Given the premises has the <Device>
    And the manufacturer has released <Device> firmware version 00000400 of 2 KB
    When the <Device> is switched off
    And the <sender> checks the image against the CPL and sends <SRV> for the <Device>
    Then the <sender> gets N61 for the <Device>
    When the <sender> asks for a reset of the <Device>'s firmware update status
    Then the reset is refused
    When the <sender> checks the image against the CPL and sends <SRV> for the <Device>
    Then the <sender> gets one Service Response that lists these failed Devices:
      | Device       | Reason                      |
      | the <Device> | firmware update in progress |
    When the DCC Service Desk asks for a reset of the <Device>'s firmware update status
    Then the reset is done
    And within 15 minutes the 'Firmware Update Status' screen shows the <sender> that the <Device> is RESET_BY_DCC, by the <sender>'s request for version 00000400
    When the <sender> checks the image against the CPL and sends <SRV> for the <Device>
    Then the <sender> gets one Service Response that lists no failed Device

    Examples:
      | Device | SRV      | sender          |
      | PPMID  | SRV 11.4 | Gas Supplier    |
      | HCALCS | SRV 11.1 | Import Supplier |
      | ESME   | SRV 11.1 | Import Supplier |
      | GSME   | SRV 11.1 | Gas Supplier    |

  @subject-dsp @DSP-21 @hcalcs @esme
  Scenario: The report RSAT_004 includes HCALCS
    Given the premises has the HCALCS
    And the premises has the ESME
    And the manufacturer has released ESME firmware version 00000300 of 2 KB
    When the Import Supplier activates the image on the ESME by SRV 11.3
    Then the Import Supplier is told noImageHeld and version 00000200 on SRV 11.3
    Given the manufacturer has released HCALCS firmware version 00000400 of 2 KB
    When the Import Supplier checks the image against the CPL and sends SRV 11.1 for the HCALCS
    Then the Import Supplier gets N62 for the HCALCS
    When the Import Supplier activates the image on the HCALCS by SRV 11.3
    Then the Import Supplier is told success and version 00000400 on SRV 11.3
    And the report RSAT_004 lists these activations for the Import Supplier:
      | Device     | Device Type | Outcome     | Firmware Version |
      | the ESME   | ESME        | noImageHeld | 00000200         |
      | the HCALCS | HCALCS      | success     | 00000400         |
    And the report RSAT_004 lists these activations for the DCC Service Desk:
      | Device     | Device Type | Outcome     | Firmware Version |
      | the ESME   | ESME        | noImageHeld | 00000200         |
      | the HCALCS | HCALCS      | success     | 00000400         |
    And the report RSAT_004 lists these activations for the other Supplier:
      | Device | Device Type | Outcome | Firmware Version |
