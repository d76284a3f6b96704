@sit
Feature: Two Suppliers in one premises
  The dual Supplier scenarios of the Modification Report, and the HCALCS part of the SIT scripts of FIA 6.2.1: both update
  the PPMID, the Import Supplier alone the HCALCS (I-06), and each Alert gets to exactly the right parties.

  Background:
    Given a dual Supplier premises whose PPMID runs firmware version 00000010

  @subject-dsp @DSP-08 @DSP-22 @DSP-23 @DSP-24 @ppmid
  Scenario Outline: Both want to update the PPMID at once, the <first> a moment earlier
    Given the manufacturer has released PPMID firmware version 00000020 of 2 KB
    When the <first> checks the image against the CPL and sends SRV 11.4 for the PPMID
    Then the <first> gets one Service Response that lists no failed Device
    When the <second> checks the image against the CPL and sends SRV 11.4 for the PPMID
    Then the <second> gets one Service Response that lists these failed Devices:
      | Device    | Reason                      |
      | the PPMID | firmware update in progress |
    And the <second> gets N39 for the PPMID with version 00000020
    And after an hour of quiet the Suppliers have got exactly these DCC Alerts:
      | Supplier | DCC Alerts    |
      | <first>  | N61, N62, N39 |
      | <second> | N39           |

    Examples:
      | first           | second          |
      | Import Supplier | Gas Supplier    |
      | Gas Supplier    | Import Supplier |

  @subject-dsp @DSP-22 @DSP-06 @hcalcs
  Scenario: The Gas Supplier cannot update the HCALCS, and the Import Supplier can
    Given the setting "hcalcs_suppliers" is as usual
    And the premises has the HCALCS
    And the manufacturer has released HCALCS firmware version 00000400 of 2 KB
    When the Gas Supplier checks the image against the CPL and sends SRV 11.1 for the HCALCS
    Then the Gas Supplier gets one Service Response that lists these failed Devices:
      | Device     | Reason                       |
      | the HCALCS | not the Responsible Supplier |
    And for an hour nothing is sent to the CSP and nobody gets a DCC Alert
    When the Import Supplier checks the image against the CPL and sends SRV 11.1 for the HCALCS
    Then the Import Supplier gets one Service Response that lists no failed Device
    And the Import Supplier gets N62 for the HCALCS
    And after an hour of quiet the Suppliers have got exactly these DCC Alerts:
      | Supplier        | DCC Alerts |
      | Import Supplier | N61, N62   |
      | Gas Supplier    | N59        |

  @subject-dsp @SR-03 @ppmid
  Scenario: SRV 11.1 is not for PPMIDs
    Given the manufacturer has released PPMID firmware version 00000020 of 2 KB
    When the Import Supplier sends SRV 11.1 instead of SRV 11.4 for the PPMID
    Then the Import Supplier gets one Service Response that lists these failed Devices:
      | Device    | Reason         |
      | the PPMID | invalid Device |
    And for an hour nothing is sent to the CSP and nobody gets a DCC Alert

  @subject-dsp @SR-05 @ppmid
  Scenario: SRV 11.3 is not for PPMIDs
    Given the manufacturer has released PPMID firmware version 00000020 of 2 KB
    When the Import Supplier sends SRV 11.3 for the PPMID
    Then the Import Supplier is refused SRV 11.3, because a PPMID has no such Command
    And for an hour nothing is sent to the CSP and nobody gets a DCC Alert

  @subject-dsp @SR-05 @SR-08 @hcalcs
  Scenario: A Signed Pre-Command that another has signed is not sent to the HCALCS
    Given the premises has the HCALCS
    And the manufacturer has released HCALCS firmware version 00000400 of 2 KB
    When the Import Supplier asks for SRV 11.3 on the HCALCS, and the Gas Supplier signs the Pre-Command
    Then the Import Supplier gets one Service Response to the Signed Pre-Command that says that its protection does not verify
    And for an hour nothing is sent to the CSP and nobody gets a DCC Alert

  @subject-sup @SR-05 @hcalcs
  Scenario: A Supplier does not sign a Pre-Command that is not what it asked for
    Given the premises has the HCALCS
    And the manufacturer has released HCALCS firmware version 00000400 of 2 KB
    When the Import Supplier asks for SRV 11.3 on the HCALCS, and gets a Pre-Command for another image
    Then the Import Supplier does not sign the Pre-Command
