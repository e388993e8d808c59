"""What the fields of a URDB rate mean: version 8 of the API, and the names of older versions.

`money` fields change what is billed. `who` fields say which customers may take the rate. `note` fields are words for
people. `record` fields are about the entry in the database. The list is that of the API's version 8
(openei.org/services/doc/rest/util_rates/?version=8), with what versions 2 to 7 had besides.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

Kind = Literal["money", "who", "note", "record"]


@dataclass(frozen=True, slots=True)
class Field:
    kind: Kind
    meaning: str


def _fields(kind: Kind, **meanings: str) -> dict[str, Field]:
    return {name: Field(kind, meaning) for name, meaning in meanings.items()}


FIELDS: Final[Mapping[str, Field]] = {
    **_fields(
        "record",
        label="identifier of the rate in the database",
        uri="page of the rate in the database",
        name="name of the rate",
        utility="name of the utility",
        eiaid="identifier of the utility at the Energy Information Administration",
        country="country",
        approved="whether an expert has checked the entry",
        is_default="whether the rate is the most common one of its sector",
        supersedes="label of the rate that it replaces",
        revisions="when the entry was edited",
        latest_update="when the entry was last edited",
        startdate="first day in force",
        enddate="last day in force",
        source="tariff sheet",
        sourceparent="where the tariff sheets are listed",
    ),
    **_fields(
        "who",
        sector="sector of the customers",
        servicetype="whether energy, delivery or both are billed",
        peakkwcapacitymin="least demand of a customer [kW]",
        peakkwcapacitymax="greatest demand of a customer [kW]",
        peakkwcapacityhistory="months in which that demand is measured",
        demandunits="unit of least and greatest demand",
        peakkwhusagemin="least energy of a customer [kWh]",
        peakkwhusagemax="greatest energy of a customer [kWh]",
        peakkwhusagehistory="months in which that energy is measured",
        voltageminimum="least voltage of service [V]",
        voltagemaximum="greatest voltage of service [V]",
        voltagecategory="primary, secondary or transmission voltage",
        phasewiring="phases of the service",
    ),
    **_fields(
        "note",
        description="what the rate is for",
        basicinformationcomments="comments",
        demandcomments="comments on demand charges",
        energycomments="comments on energy charges",
        demandattrs="names and numbers in words, of demand",
        energyattrs="names and numbers in words, of energy",
        fixedattrs="names and numbers in words, of fixed charges",
        energytoulabels="names of the energy periods",
        demandlabels="names of the demand periods",
        dgrules="how a customer's own generation is settled",
        usenetmetering="whether a customer's own generation is netted",
    ),
    **_fields(
        "money",
        energyratestructure="price of energy by period and tier",
        energyweekdayschedule="energy period of each hour of a weekday, by month",
        energyweekendschedule="energy period of each hour of a weekend day, by month",
        fueladjustmentsmonthly="fuel adjustment by month [$/kWh]",
        flatdemandstructure="price of demand at any hour, by month and tier",
        flatdemandmonths="which of those prices holds in each month",
        flatdemandunit="unit of that demand",
        demandratestructure="price of demand by period and tier",
        demandweekdayschedule="demand period of each hour of a weekday, by month",
        demandweekendschedule="demand period of each hour of a weekend day, by month",
        demandrateunit="unit of that demand",
        demandwindow="minutes over which demand is measured",
        demandreactivepowercharge="price of reactive demand [$/kVAR]",
        demandratchetpercentage="part of an earlier peak that is billed at least, by month",
        lookbackpercent="part of an earlier peak that is billed at least",
        lookbackrange="how many months back the peak counts",
        lookbackmonths="months of which the peak counts",
        coincidentratestructure="price of demand at the time of the system's peak, by period and tier",
        coincidentrateschedule="coincident period of each hour, by month",
        coincidentrateunit="unit of that demand",
        fixedchargefirstmeter="fixed charge of the first meter",
        fixedchargeeaaddl="fixed charge of each further meter",
        fixedchargeunits="$/month, $/day or $/year",
        mincharge="least charge",
        minchargeunits="$/month, $/day or $/year",
        fixedmonthlycharge="fixed charge a month; before version 8",
        minmonthlycharge="least charge a month; before version 8",
        annualmincharge="least charge a year; before version 8",
        flatratebuy="price of energy without tiers or periods; version 2",
        flatratefueladj="adjustment of that price; version 2",
        flatratesell="price of energy sold to the utility; version 2",
    ),
}

# Other spellings of the same fields, in lower case: of older versions, and of the database's own dump.
ALIASES: Final[Mapping[str, str]] = {
    "supercedes": "supersedes",
    "eia": "eiaid",
    "utilityname": "utility",
    "ratename": "name",
    "effectivedate": "startdate",
    "isdefault": "is_default",
    "lastupdate": "latest_update",
    "energyratestrux": "energyratestructure",
    "energyweekdaysched": "energyweekdayschedule",
    "energyweekendsched": "energyweekendschedule",
    "demandratestrux": "demandratestructure",
    "demandweekdaysched": "demandweekdayschedule",
    "demandweekendsched": "demandweekendschedule",
    "flatdemandstrux": "flatdemandstructure",
    "flatdemandunits": "flatdemandunit",
    "demandrateunits": "demandrateunit",
    "coincidentratestrux": "coincidentratestructure",
    "coincidentrate_tiers": "coincidentratestructure",
    "coincidentsched": "coincidentrateschedule",
    "coincidentschedule": "coincidentrateschedule",
    "coincidentrateunits": "coincidentrateunit",
    "energykeyvals": "energyattrs",
    "demandkeyvals": "demandattrs",
    "fixedkeyvals": "fixedattrs",
    "demandmin": "peakkwcapacitymin",
    "demandmax": "peakkwcapacitymax",
    "demandhist": "peakkwcapacityhistory",
    "energymin": "peakkwhusagemin",
    "energymax": "peakkwhusagemax",
    "energyhist": "peakkwhusagehistory",
    "voltagemin": "voltageminimum",
    "voltagemax": "voltagemaximum",
    "basiccomments": "basicinformationcomments",
    "demandtoulabels": "demandlabels",
}
