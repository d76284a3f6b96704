@sit @ppmid
Feature: The DSP refuses what must not be distributed
  The DSP checks the image against the CPL and each Device against the SMI and the registration data. A Device that fails
  is listed with its reason, and the others are updated all the same.

  Background:
    Given a dual Supplier premises whose PPMID runs firmware version 00000010

  @SUP-04 @CPL-05
  Scenario: A Supplier does not send an image whose Hash is not on the CPL
    Given the manufacturer has released PPMID firmware version 00000020 of 16 KB
    But its Hash is not on the CPL
    When the Import Supplier checks the image against the CPL
    Then the Import Supplier does not send it, because no CPL entry has its Hash

  @SUP-04 @CPL-05
  Scenario: A Supplier does not send an image whose CPL entry has been removed
    Given the manufacturer has released PPMID firmware version 00000020 of 16 KB
    But its CPL entry has been removed
    When the Import Supplier checks the image against the CPL
    Then the Import Supplier does not send it, because no CPL entry has its Hash

  @SUP-02
  Scenario: A Supplier does not send an image whose creator's signature is wrong
    Given the manufacturer has released PPMID firmware version 00000020 of 16 KB
    But the creator's signature over it is wrong
    When the Import Supplier checks the image against the CPL
    Then the Import Supplier does not send it, because the creator's signature is wrong

  @SUP-03
  Scenario: A Supplier does not send an image that has not the Hash that came with it
    Given the manufacturer has released PPMID firmware version 00000020 of 16 KB
    But the Hash that comes with it is another
    When the Import Supplier checks the image against the CPL
    Then the Import Supplier does not send it, because its Hash is not the one provided

  @DSP-02 @CPL-05
  Scenario: The DSP refuses an image whose Hash is not on the CPL
    Given the manufacturer has released PPMID firmware version 00000020 of 16 KB
    But its Hash is not on the CPL
    When the Import Supplier sends SRV 11.4 for the PPMID without checking the image
    Then the Import Supplier gets one Service Response that refuses the request, because the Hash is not on the CPL
    And for an hour nothing is sent to the CSP and nobody gets a DCC Alert

  @DSP-02 @CPL-05
  Scenario: The DSP refuses an image whose CPL entry has been removed
    Given the manufacturer has released PPMID firmware version 00000020 of 16 KB
    But its CPL entry has been removed
    When the Import Supplier sends SRV 11.4 for the PPMID without checking the image
    Then the Import Supplier gets one Service Response that refuses the request, because the Hash is not on the CPL
    And for an hour nothing is sent to the CSP and nobody gets a DCC Alert

  @DSP-03 @DSP-04 @DSP-05 @DSP-06 @DSP-07 @SR-06
  Scenario: Devices that fail are listed with their reasons, and the PPMID is updated
    Given the manufacturer has released PPMID firmware version 00000020 of 16 KB
    When the Import Supplier sends SRV 11.4 for these Devices:
      | Device                            |
      | the PPMID                         |
      | an unknown Device                 |
      | an ESME                           |
      | a PPMID that is not commissioned  |
      | a PPMID of another model          |
      | a PPMID of another Supplier       |
    Then the Import Supplier gets one Service Response that lists these failed Devices:
      | Device                            | Reason                       |
      | an unknown Device                 | invalid Device               |
      | an ESME                           | invalid Device               |
      | a PPMID that is not commissioned  | not commissioned             |
      | a PPMID of another model          | firmware not applicable      |
      | a PPMID of another Supplier       | not the Responsible Supplier |
    And the DSP sends the CSP one distribution request for the PPMID, of Device type PPMID
    And the Gas Supplier gets N59 with the Hash of the Manufacturer Image and the PPMID
    And the Import Supplier gets N39 for the PPMID with version 00000020
    And after an hour of quiet the Suppliers have got exactly these DCC Alerts:
      | Supplier        | DCC Alerts    |
      | Import Supplier | N61, N62, N39 |
      | Gas Supplier    | N59, N39      |

  @DSP-08
  Scenario: A PPMID with an update in progress is refused a further one
    Given the manufacturer has released PPMID firmware version 00000020 of 64 KB
    When the Import Supplier checks the image against the CPL and sends SRV 11.4 for the PPMID
    Then the Import Supplier gets N61 for the PPMID
    When the Gas Supplier checks the image against the CPL and sends SRV 11.4 for the PPMID
    Then the Gas Supplier gets one Service Response that lists these failed Devices:
      | Device    | Reason                    |
      | the PPMID | firmware update in progress |
    And the Import Supplier gets N39 for the PPMID with version 00000020
