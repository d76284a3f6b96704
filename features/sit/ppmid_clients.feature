@sit @ppmid
Feature: The hub serves the PPMIDs that an image is for, each in its own way
  PPMIDs of different makers fetch an image in different ways, and more than one can be on the HAN.

  Background:
    Given a dual Supplier premises whose PPMID runs firmware version 00000010

  @subject-ch @CH-05
  Scenario: A PPMID that asks for small blocks
    Given the manufacturer has released PPMID firmware version 00000020 of 8 KB
    And the PPMID asks for blocks of 20 octets
    When the Import Supplier checks the image against the CPL and sends SRV 11.4 for the PPMID
    Then the PPMID fetches the image from the hub, octet for octet
    And the hub has sent no block larger than the PPMID asked for
    And the Import Supplier gets N39 for the PPMID with version 00000020

  @subject-ch @CH-03
  Scenario: A PPMID that the image is not for is offered nothing
    Given the manufacturer has released PPMID firmware version 00000020 of 64 KB
    And a second PPMID of the same model is on the HAN
    When the second PPMID is about to ask for an image unprompted
    And the Import Supplier checks the image against the CPL and sends SRV 11.4 for the PPMID
    Then the hub answers the second PPMID, while the PPMID fetches the image, that no image is available
    And the Import Supplier gets N39 for the PPMID with version 00000020

  @subject-ch @CH-06 @CH-15 @DSP-11 @DSP-13 @ALERT-N59 @ALERT-N61 @ALERT-N62-SUCCESS @ALERT-N39
  Scenario: One request updates two PPMIDs
    Given the manufacturer has released PPMID firmware version 00000020 of 16 KB
    And a second PPMID of the same model is on the HAN
    When the Import Supplier sends SRV 11.4 for these Devices:
      | Device           |
      | the PPMID        |
      | the second PPMID |
    Then the Import Supplier gets one Service Response that lists no failed Device
    And the DSP sends the CSP one distribution request, of Device type PPMID, for these Devices:
      | Device           |
      | the PPMID        |
      | the second PPMID |
    And after an hour of quiet the Suppliers have got exactly these DCC Alerts for each Device:
      | Device           | Import Supplier | Gas Supplier |
      | the PPMID        | N61, N62, N39   | N59, N39     |
      | the second PPMID | N61, N62, N39   | N59, N39     |
    And the Gas Supplier has got exactly 1 N59
    And the hub has sent exactly 2 transfer Alerts
